"""Looking things up by subject, several at a time, in one request each."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import msgspec

from tqcli.errors import NotFound
from tqcli.jetstream.api import call
from tqcli.jetstream.scan import Stored
from tqcli.jetstream.subjects import split_queue_consumer
from tqcli.jetstream.topology import firings_config, queue_configs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tqcli.jetstream.link import Link
    from tqcli.jetstream.subjects import Names

MOST_TOGETHER = 1000
"""Subjects of one request; the server's cap is 1,024."""


async def load_many(link: Link, stream: str, subjects: Sequence[str]) -> dict[str, Stored]:
    """Return the newest message of each subject that has one. Source: ADR-31, `multi_last`."""
    found: dict[str, Stored] = {}
    for start in range(0, len(subjects), MOST_TOGETHER):
        request = {"multi_last": subjects[start : start + MOST_TOGETHER]}
        *messages, _ = await link.request_many(f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(request))
        for message in messages:
            subject = message.headers["Nats-Subject"]
            found[subject] = Stored(subject, int(message.headers["Nats-Sequence"]), message.body)
    return found


async def find_first(link: Link, stream: str, wildcard: str, *, start: int = 1) -> Stored | None:
    """Return the oldest message whose subject matches, from sequence `start` on, or None.

    Not a batched get: that counts what else matches, which takes 8 ms for 100,000 subjects (nats-server 2.15.1).
    """
    request = msgspec.json.encode({"seq": start, "next_by_subj": wildcard})
    reply = await link.post(f"$JS.API.DIRECT.GET.{stream}", request)
    if reply.status is not None:
        return None
    return Stored(reply.headers["Nats-Subject"], int(reply.headers["Nats-Sequence"]), reply.body)


async def ask_leader(link: Link, stream: str, subject: str) -> bytes | None:
    """Return the first message whose subject matches as the stream's leader has it, or None: a replica may lag."""
    found = await _get(link, stream, {"seq": 1, "next_by_subj": subject})
    return None if found is None else found.body


async def load_from_leader(link: Link, stream: str, subject: str) -> Stored | None:
    """Return the newest message of one subject (no wildcard) as the stream's leader has it, or None."""
    return await _get(link, stream, {"last_by_subj": subject})


async def _get(link: Link, stream: str, request: dict[str, Any]) -> Stored | None:
    try:
        found = (await call(link, f"STREAM.MSG.GET.{stream}", request))["message"]
    except NotFound:
        return None
    return Stored(found["subject"], found["seq"], b64decode(found.get("data", "")))


async def count_messages(link: Link, stream: str, wildcard: str) -> int:
    """Return how many messages of a stream match."""
    request = {"seq": 1, "batch": 1, "next_by_subj": wildcard}
    first, *_ = await link.request_many(f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(request))
    return 0 if first.status is not None else 1 + int(first.headers.get("Nats-Num-Pending", "0"))


async def read_queues(link: Link, names: Names) -> dict[str, list[dict[str, Any]]]:
    """Return what JetStream knows of the consumers of each queue, by the queue's name."""
    queues: dict[str, list[dict[str, Any]]] = {}
    async for info in read_consumers(link, names.jobs):
        if served := split_queue_consumer(info["name"]):
            queues.setdefault(served[0], []).append(info)
    return queues


async def compare_consumers(link: Link, names: Names) -> list[tuple[str, dict[str, Any], dict[str, Any] | None]]:
    """Return each consumer that the queues that are there need.

    With its stream, its configuration as this version needs it, and what JetStream knows of it: None, it is missing.
    """
    queues = await read_queues(link, names)
    known = {info["name"]: info for infos in queues.values() for info in infos}
    known |= {info["name"]: info async for info in read_consumers(link, names.timers)}
    wanted = [(names.timers, firings_config(names))]
    wanted += [(names.jobs, config) for queue in sorted(queues) for config in queue_configs(names, queue)]
    return [(stream, config, known.get(config["name"])) for stream, config in wanted]


async def read_consumers(link: Link, stream: str) -> AsyncIterator[dict[str, Any]]:
    """Yield what JetStream knows of each of the stream's consumers; of a stream that isn't there, nothing."""
    offset = 0
    while True:
        try:
            answer = await call(link, f"CONSUMER.LIST.{stream}", {"offset": offset})
        except NotFound:
            return
        page = answer.get("consumers") or []
        for info in page:
            yield info
        offset += len(page)
        if not page or offset >= answer["total"]:
            return
