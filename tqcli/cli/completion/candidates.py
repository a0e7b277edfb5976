"""What changes from one completion to the next: `tq __complete KIND PREFIX`, called by the scripts.

Prints a candidate a line, after a tab what it is. It answers within `DEADLINE_S` or not at all, says nothing where it
can't, and starts no server: with nothing running there is nothing to offer.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated

from tqcli.cli.parameter import Argument
from tqcli.settings.context import LOCAL
from tqcli.settings.contexts import load_contexts
from tqcli.settings.paths import state_dir
from tqcli.settings.target import choose_target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tqcli.cli.globals import Globals
    from tqcli.cli.invocation import Invocation
    from tqcli.core.endpoint import Endpoint
    from tqcli.core.job import Job
    from tqcli.jetstream.broker import Broker

    Pairs = AsyncIterator[tuple[str, str]]

CONNECT_S = 0.2
DEADLINE_S = 1.0
"""A user who pressed Tab waits; names that come later are no help."""

_JOBS_MOST = 30


def complete(
    tq: Invocation,
    words: Annotated[
        list[str] | None, Argument("KIND PREFIX", help="what is missing, and what is there of it", verbatim=True)
    ] = None,
) -> None:
    """Print what a value of that kind could be, given how it starts."""
    kind, prefix, *_ = (*(words or []), "", "")
    # Whatever hangs (a name server, a broker that accepts and is silent), the shell gets its prompt back.
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, DEADLINE_S)
    try:
        read = _LOCAL_KINDS.get(kind)
        found = _ask_broker(kind, tq.globals) if read is None else read()
    except Exception:  # noqa: BLE001 - half a command line is no place for an error
        return
    tq.output.lines(f"{name}\t{what}" for name, what in found if name.startswith(prefix))


def _contexts() -> list[tuple[str, str]]:
    contexts = load_contexts()
    return [(name, context.servers[0]) for name, context in contexts.table.items()] + [(LOCAL, "this machine")]


def _zones() -> list[tuple[str, str]]:
    from zoneinfo import available_timezones  # noqa: PLC0415 - each kind imports what it needs

    return [(zone, "") for zone in sorted(available_timezones())]


def _ask_broker(kind: str, globals_: Globals) -> list[tuple[str, str]]:
    read = _BROKER_KINDS.get(kind)
    endpoint = _find_endpoint(globals_)
    if read is None or endpoint is None:
        return []
    from tqcli.jetstream.broker import Broker  # noqa: PLC0415 - contexts are completed without a broker
    from tqcli.jetstream.plain import connect_plain, drive  # noqa: PLC0415
    from tqcli.jetstream.subjects import Names  # noqa: PLC0415

    link = connect_plain(endpoint, timeout_s=CONNECT_S)
    return drive(_collect(read(Broker(link, Names(endpoint.namespace)))))


async def _collect(pairs: Pairs) -> list[tuple[str, str]]:
    return [pair async for pair in pairs]


def _find_endpoint(globals_: Globals) -> Endpoint | None:
    target = choose_target(server=globals_.server, context=globals_.context)
    if target.endpoint is not None:
        return target.endpoint
    from tqcli.local.status import read_status  # noqa: PLC0415 - a fleet's users never need it

    status = read_status(state_dir())
    return None if status is None else status.endpoint


async def _queues(broker: Broker) -> Pairs:
    from tqcli.client.queues import list_queues  # noqa: PLC0415 - as above

    for queue in await list_queues(broker):
        yield queue.name, f"{queue.queued} queued, {queue.running} running"


async def _agents(broker: Broker) -> Pairs:
    from tqcli.jetstream.presence import read_agents  # noqa: PLC0415 - as above

    for agent in await read_agents(broker):
        yield agent.name, f"{agent.busy} of {agent.slots} slots busy"


async def _jobs(broker: Broker) -> Pairs:
    from tqcli.client.listing import Filters, list_jobs  # noqa: PLC0415 - as above

    yield "@last", "the job submitted last"
    async for job in list_jobs(broker, Filters(), limit=_JOBS_MOST, on_note=lambda _: None):
        yield job.id, f"{job.state} {_title(job)}"


async def _schedules(broker: Broker) -> Pairs:
    from tqcli.client.schedules import list_schedules  # noqa: PLC0415 - as above
    from tqcli.core.schedules.rule import describe_rule  # noqa: PLC0415

    for schedule in (await list_schedules(broker)).schedules:
        yield schedule.name, describe_rule(schedule.definition.rule)


def _title(job: Job) -> str:
    """Return what a job is called, or runs, on one line."""
    title = job.name or job.entrypoint or " ".join(job.command or ())
    return "".join(char if char.isprintable() else " " for char in title)[:60]


_BROKER_KINDS: dict[str, Callable[[Broker], Pairs]] = {
    "queue": _queues,
    "job": _jobs,
    "agent": _agents,
    "schedule": _schedules,
}
_LOCAL_KINDS: dict[str, Callable[[], list[tuple[str, str]]]] = {"context": _contexts, "zone": _zones}
DYNAMIC = (*_BROKER_KINDS, *_LOCAL_KINDS)
"""The kinds that change, and are asked for."""
