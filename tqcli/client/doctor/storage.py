"""Are the streams and consumers there, as tq needs them, with enough copies and room, and do they take messages?"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

from tqcli.client.doctor.finding import Finding, fail, warn, well
from tqcli.core.size import format_size
from tqcli.errors import NotFound, TqError
from tqcli.jetstream.api import call, check_ack
from tqcli.jetstream.lookup import compare_consumers
from tqcli.jetstream.subjects import LEVELS
from tqcli.jetstream.topology import consumer_differences, stream_configs, stream_differences

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

FULL = 0.9
CROWDED = 0.8
"""A consumer with so much of what it may hand out in agents' hands soon hands out nothing (H17)."""

LEAST_FREE_BYTES = 1024**3
SAFE_COPIES = 3
CANARY = "0" * 16
"""The group of the messages that are stored for a try: no job's id, for it would be of 2024's first millisecond."""

NO_QUEUE = "-"
"""No queue can be called so: nobody is given what is stored there."""

LEFT_ALONE = "tq left it as it is: change it with the nats tool, or use another namespace"


async def check(broker: Broker, *, folder: str | None) -> list[Finding]:
    """Return what there is to say about the streams and what they hold; `folder` is the store of a local server."""
    known = {}
    for name in stream_configs(broker.names):
        try:
            known[name] = await call(broker.link, f"STREAM.INFO.{name}")
        except NotFound:
            continue
    if not known:
        return [well("streams", "none yet: the first job or agent makes them")]
    return [
        *_judge_streams(broker, known),
        *_judge_copies(broker, known),
        *await _check_consumers(broker),
        await _check_room(broker) if folder is None else _judge_disk(folder),
        *await _check_canary(broker),
    ]


def _judge_streams(broker: Broker, known: dict[str, dict[str, Any]]) -> list[Finding]:
    found = []
    for name, wanted in stream_configs(broker.names).items():
        info = known.get(name)
        if info is None:
            found.append(fail("streams", f"the stream {name} is missing", "the start of any agent makes it: tq agent"))
            continue
        found += [
            fail("streams", f"the stream {name} has {difference}", LEFT_ALONE)
            for difference in stream_differences(wanted, info["config"])
        ]
    return found or [well("streams", f"all {len(known)} are there, as tq needs them")]


def _judge_copies(broker: Broker, known: dict[str, dict[str, Any]]) -> list[Finding]:
    """Judge leaders and copies, where the server is one of a cluster."""
    if broker.link.server.cluster is None:
        return []
    found = []
    for name, info in known.items():
        cluster = info.get("cluster") or {}
        if not cluster.get("leader"):
            found.append(fail("cluster", f"the stream {name} has no leader", "look which servers of it are down"))
        found += [
            warn("cluster", f"the copy of {name} on {peer['name']} is not up to date", "look whether that server is up")
            for peer in cluster.get("replicas") or []
            if peer.get("offline") or not peer.get("current", True)
        ]
    fewest = min(info["config"]["num_replicas"] for info in known.values())
    if fewest < SAFE_COPIES:
        text = f"in a cluster, but some streams have only {fewest} of {SAFE_COPIES} copies"
        found.append(warn("cluster", text, f"tq init --replicas {SAFE_COPIES}"))
    return found or [well("cluster", f"each stream has its leader and {fewest} copies, all up to date")]


async def _check_consumers(broker: Broker) -> list[Finding]:
    consumers = await compare_consumers(broker.link, broker.names)
    found = []
    for _, config, info in consumers:
        if info is None:
            hint = "the start of any agent that serves it makes it"
            found.append(fail("consumers", f"the consumer {config['name']} is missing", hint))
            continue
        found += [
            fail("consumers", f"the consumer {config['name']} has {difference}", "tq init")
            for difference in consumer_differences(config, info["config"])
        ]
        if info["num_ack_pending"] > CROWDED * config["max_ack_pending"]:
            text = f"{info['num_ack_pending']:,} messages of {config['name']} are in agents' hands"
            found.append(warn("consumers", text, "look whether agents end what they start: tq agents"))
    return found or [well("consumers", f"all {len(consumers)} are as tq needs them")]


async def _check_room(broker: Broker) -> Finding:
    account = await call(broker.link, "INFO")
    limits = account.get("limits") or {}
    used, most = account["storage"], limits.get("max_storage", -1)
    if most <= 0:
        return well("room", f"{format_size(used)} stored; the account has no limit")
    text = f"{format_size(used)} of {format_size(most)} used"
    if used > FULL * most:
        return fail("room", text, "give the account more, or let old logs go: nats stream purge")
    return well("room", text)


def _judge_disk(folder: str) -> Finding:
    usage = shutil.disk_usage(folder)
    text = f"{format_size(usage.free)} free on the disk of {folder}"
    if usage.free < LEAST_FREE_BYTES:
        return warn("room", text, "make room before it is full: a full disk ends in a restart of the server")
    return well("room", text)


async def _check_canary(broker: Broker) -> list[Finding]:
    """Store messages, and remove them: a full disk or a frozen stream shows by nothing else (H28)."""
    names, found = broker.names, []
    canaries = {names.jobs: names.job(NO_QUEUE, LEVELS[0], CANARY, 0), names.logs: names.log(CANARY, 0, 1)}
    for stream, subject in canaries.items():
        started = time.monotonic()
        try:
            check_ack(await broker.link.post(subject, b""), f"a message for {stream}")
            took_s = time.monotonic() - started
            await call(broker.link, f"STREAM.PURGE.{stream}", {"filter": subject})
        except TqError as error:
            hint = "where the disk was full: make room, then restart the server, which alone ends it"
            found.append(fail("storing", f"{stream} takes no message: {error.message}", hint))
        else:
            found.append(well("storing", f"{stream} stores a message in {took_s * 1000:.1f} ms"))
    return found
