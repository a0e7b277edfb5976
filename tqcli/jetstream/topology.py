"""The streams and consumers of tq, and why their limits are so.

Created on first use; afterwards verified, never rewritten: a difference is an error that names it, because shrinking a
limit deletes jobs at once (H8) and changing a consumer under running agents redelivers what they hold (H15).

- jobs: a work queue, so an ended job's message is gone. Discard *new*: a full queue refuses, it never forgets a job
  (H7). No age limit, no TTL (H8): deadlines are in the spec, and an expired job gets its record.
- timers: the only stream with schedules (H32).
- records: one message a job; each write is a whole snapshot and replaces the last one by compare-and-set.
- logs: limits of their own, discard old: logs can never stop a job (H30).
- objects: stdin and payloads over the message limit, by digest.
- limits: one message a ticket, see `limits`.
- schedules: one message a schedule, a whole snapshot, replaced by compare-and-set like a record; see `schedules`.
- agents: a key-value bucket, whose entries vanish where they are not renewed. On file like the others: a server that is
  killed forgets that a stream in memory ever was, and agents that come back would announce themselves to nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tqcli.errors import Forbidden, NotFound, QueueFull, SettingsError, Unavailable
from tqcli.jetstream.api import call
from tqcli.jetstream.subjects import LEVELS

if TYPE_CHECKING:
    from tqcli.jetstream.link import Link
    from tqcli.jetstream.subjects import Names

_S = 1_000_000_000
_DAY = 86_400 * _S
ACK_WAIT_S = 7.0
"""A lease: how long a delivery may go unconfirmed before another agent gets the job. It leaves that agent three seconds
of the ten within which a job runs again."""

PRESENCE_TTL_S = 15
RECORDS_KEPT_DAYS = 7
OBJECTS_KEPT_DAYS = 30
LOGS_KEPT_BYTES = (2 * 1024**3, 256 * 1024**2, 32 * 1024**2, 2 * 1024**2)
"""JetStream sets a limit's bytes aside, so on a small disk the logs get a smaller one."""


def stream_configs(names: Names, *, replicas: int = 1) -> dict[str, dict[str, Any]]:
    """Return the configuration of each stream, by name."""
    ns = names.namespace
    common = {"storage": "file", "num_replicas": replicas, "allow_direct": True}
    configs: list[dict[str, Any]] = [
        {
            "name": names.jobs,
            "subjects": [f"{ns}.job.>"],
            "retention": "workqueue",
            "discard": "new",
            "allow_atomic": True,
        },
        {"name": names.timers, "subjects": [f"{ns}.timer.>"], "retention": "workqueue", "allow_msg_schedules": True},
        {
            "name": names.records,
            "subjects": [f"{ns}.record.>"],
            "retention": "limits",
            "max_msgs_per_subject": 1,
            "max_age": RECORDS_KEPT_DAYS * _DAY,
            "allow_atomic": True,
        },
        {
            "name": names.logs,
            "subjects": [f"{ns}.log.>"],
            "retention": "limits",
            "discard": "old",
            "max_age": RECORDS_KEPT_DAYS * _DAY,
            "max_bytes": LOGS_KEPT_BYTES[0],
        },
        {
            "name": names.objects,
            "subjects": [f"{ns}.object.>"],
            "retention": "limits",
            "max_age": OBJECTS_KEPT_DAYS * _DAY,
        },
        {
            "name": names.limits,
            "subjects": [f"{ns}.limit.>"],
            "retention": "workqueue",
            "max_msgs_per_subject": 1,
            "discard": "new",
            "discard_new_per_subject": True,
        },
        {
            "name": names.schedules,
            "subjects": [names.schedule("*"), names.swept],
            "retention": "limits",
            "max_msgs_per_subject": 1,
        },
        {
            "name": names.agents,
            "subjects": [f"$KV.{names.agents_bucket}.>"],
            "retention": "limits",
            "max_msgs_per_subject": 1,
            "max_age": PRESENCE_TTL_S * _S,
            "allow_rollup_hdrs": True,
        },
    ]
    return {config["name"]: common | config for config in configs}


def consumer_config(name: str, filter_subject: str) -> dict[str, Any]:
    """Return the configuration of one durable pull consumer.

    `max_deliver` is -1 because at the limit the message would stay in the stream for ever, unseen (H14).
    """
    return {
        "durable_name": name,
        "name": name,
        "filter_subject": filter_subject,
        "ack_policy": "explicit",
        "deliver_policy": "all",
        "ack_wait": int(ACK_WAIT_S * _S),
        "max_deliver": -1,
        "max_ack_pending": 65_536,
        "max_waiting": 4_096,
    }


def queue_configs(names: Names, queue: str) -> list[dict[str, Any]]:
    """Return the configurations of a queue's consumers, one for each level."""
    return [consumer_config(names.queue_consumer(queue, level), names.jobs_of(queue, level)) for level in LEVELS]


def firings_config(names: Names) -> dict[str, Any]:
    """Return the configuration of the consumer of the firings."""
    return consumer_config("firings", names.firings)


async def ensure_streams(link: Link, names: Names) -> None:
    """Create the streams that are missing; verify the others.

    Raises:
        SettingsError: a stream of that name is there and differs; it was left as it is.
    """
    for name, wanted in stream_configs(names).items():
        try:
            await _ensure_stream(link, wanted)
        except Forbidden:
            # Whoever was given rights before there were schedules can do all that they did.
            if name != names.schedules:
                raise


async def _ensure_stream(link: Link, wanted: dict[str, Any]) -> None:
    try:
        found = (await call(link, f"STREAM.INFO.{wanted['name']}"))["config"]
    except NotFound:
        await make_stream(link, wanted)
    else:
        refuse_stream(wanted["name"], stream_differences(wanted, found))


async def make_stream(link: Link, config: dict[str, Any]) -> None:
    """Create a stream; the logs get as much as the disk allows.

    Raises:
        QueueFull: there is no room for it.
        SettingsError: the cluster has not enough servers for its copies.
    """
    sizes = LOGS_KEPT_BYTES if "max_bytes" in config else (-1,)
    for size in sizes:
        try:
            await call(link, f"STREAM.CREATE.{config['name']}", config | {"max_bytes": size})
        except QueueFull:
            if size == sizes[-1]:
                raise
        else:
            return


async def ensure_consumer(link: Link, stream: str, config: dict[str, Any]) -> dict[str, Any]:
    """Create the consumer if it is missing, else verify it; return its information.

    Raises:
        SettingsError: a consumer of that name is there and differs; it was left as it is.
    """
    name = config["name"]
    try:
        info = await consumer_info(link, stream, name)
    except NotFound:
        return await put_consumer(link, stream, config, action="create")
    if differences := consumer_differences(config, info["config"]):
        msg = f"consumer {name} of {stream} has {differences[0]}"
        raise SettingsError(msg, hint="it was left as it is; `tq init` makes it as this version of tq needs it")
    return info


async def put_consumer(link: Link, stream: str, config: dict[str, Any], *, action: str) -> dict[str, Any]:
    """Create or update a consumer, as `action` says, and return its information; an update keeps what it delivered."""
    body = {"stream_name": stream, "config": config, "action": action}
    return await call(link, f"CONSUMER.CREATE.{stream}.{config['name']}.{config['filter_subject']}", body)


async def ensure_queue(link: Link, names: Names, queue: str) -> None:
    """Create or verify the consumers of `queue`, one for each level."""
    for config in queue_configs(names, queue):
        await ensure_consumer(link, names.jobs, config)


async def ensure_timers(link: Link, names: Names) -> None:
    """Create or verify the consumer of the firings."""
    await ensure_consumer(link, names.timers, firings_config(names))


async def consumer_info(link: Link, stream: str, name: str) -> dict[str, Any]:
    """Return what JetStream knows of a consumer.

    Raises:
        NotFound: there is none of that name, or no such stream.
    """
    return await call(link, f"CONSUMER.INFO.{stream}.{name}")


async def stream_state(link: Link, stream: str) -> dict[str, Any]:
    """Return a stream's counts: `messages`, `bytes`, `first_seq`, `last_seq` ….

    Raises:
        NotFound: there is no such stream.
    """
    state: dict[str, Any] = (await call(link, f"STREAM.INFO.{stream}"))["state"]
    return state


def stream_differences(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Return what of a stream is not as tq needs it; its size, age and replicas are the operator's to choose."""
    return _differences(wanted, found, ignore=("num_replicas", "max_bytes", "max_age"))


def consumer_differences(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Return what of a consumer is not as tq needs it."""
    return _differences(wanted, found)


def _differences(wanted: dict[str, Any], found: dict[str, Any], *, ignore: tuple[str, ...] = ()) -> list[str]:
    """Compare what matters; a field that JetStream leaves out has its zero value."""
    return [
        f"{key} = {actual!r}; tq needs {value!r}"
        for key, value in wanted.items()
        if key not in ignore and (actual := found.get(key, type(value)())) != value
    ]


def refuse_stream(name: str, differences: list[str]) -> None:
    """Return where there is no difference.

    Raises:
        SettingsError: there is one.
    """
    if differences:
        msg = f"stream {name} has {differences[0]}"
        raise SettingsError(msg, hint="it was left as it is; use another namespace, or change it with the nats tool")


async def wait_for_streams(link: Link, names: Names, *, deadline_s: float = 10.0) -> None:
    """Create the streams, trying again while the cluster elects its leaders.

    Raises:
        Unavailable: it did not within `deadline_s`.
    """
    waited = 0.0
    while True:
        try:
            return await ensure_streams(link, names)
        except Unavailable:
            if waited >= deadline_s:
                raise
        await link.sleep(0.25)
        waited += 0.25
