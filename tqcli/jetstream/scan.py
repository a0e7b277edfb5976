"""Reading a stream in pages with batched direct gets: no consumer, nothing left behind at the broker.

The cost is that of the messages read, not of the stream: a page by wildcard takes as long with 1,000,000 subjects as
with 1,000 (measured on nats-server 2.15.1).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tqcli.errors import NotFound
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tqcli.jetstream.link import Link

PAGE = 256
WIDEST = 64 * PAGE
"""What a step over a gap may have to hold, where the gap ends within it."""

_NO_MESSAGE = 404


class Stored(msgspec.Struct, frozen=True):
    """A message as a stream holds it."""

    subject: str
    sequence: int
    body: bytes


async def load_last(link: Link, stream: str, subject: str) -> Stored | None:
    """Return the newest message of one subject (no wildcard), or None where there is none."""
    reply = await link.post(f"$JS.API.DIRECT.GET.{stream}.{subject}")
    if reply.status is not None:
        return None
    return Stored(subject, int(reply.headers["Nats-Sequence"]), reply.body)


async def last_stored(link: Link, stream: str, subject: str) -> tuple[int, datetime] | None:
    """Return the sequence of the newest message of one subject (no wildcard), and when it was stored; None for none."""
    reply = await link.post(f"$JS.API.DIRECT.GET.{stream}.{subject}")
    if reply.status is not None:
        return None
    return int(reply.headers["Nats-Sequence"]), datetime.fromisoformat(reply.headers["Nats-Time-Stamp"])


async def last_stored_at(link: Link, stream: str, subject: str) -> datetime | None:
    """Return when the newest message of one subject (no wildcard) was stored, or None where there is none."""
    found = await last_stored(link, stream, subject)
    return None if found is None else found[1]


async def is_stored(link: Link, stream: str, sequence: int) -> bool:
    """Return whether the stream still holds the message of this sequence."""
    reply = await link.post(f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode({"seq": sequence}))
    return reply.status is None


async def oldest_first(
    link: Link, stream: str, wildcard: str, *, start: int = 1, page: int = 1000, page_bytes: int | None = None
) -> AsyncIterator[Stored]:
    """Yield the messages whose subject matches, in the order of the stream; at most a page is in memory at a time.

    Each page makes the server count what is left, so reading many small messages in small pages takes long. Where they
    may be large, `page_bytes` bounds the page as well.
    """
    more = True
    while more:
        found, more = await _ask(link, stream, wildcard, start, page, page_bytes)
        for message in found:
            yield message
        if found:
            start = found[-1].sequence + 1


async def newest_first(link: Link, stream: str, wildcard: str) -> AsyncIterator[Stored]:
    """Yield the messages whose subject matches, the newest first.

    Walks back in windows of sequence numbers that widen fourfold over gaps, so a stream of which the newest part is
    consumed already costs a few requests, not a scan.
    """
    try:
        state = await stream_state(link, stream)
    except NotFound:
        return
    high, first, width = state["last_seq"], max(1, state["first_seq"]), PAGE
    while high >= first:
        low = max(first, high - width + 1)
        window = await _window(link, stream, wildcard, low, high)
        for message in reversed(window):
            yield message
        width = PAGE if window else min(width * 4, WIDEST)
        high = low - 1


async def _window(link: Link, stream: str, wildcard: str, low: int, high: int) -> list[Stored]:
    """Return the matching messages with low ≤ sequence ≤ high, oldest first."""
    found: list[Stored] = []
    while low <= high:
        page = await read_page(link, stream, wildcard, low, PAGE)
        inside = [message for message in page if message.sequence <= high]
        found += inside
        if len(page) < PAGE or len(inside) < len(page):
            break
        low = page[-1].sequence + 1
    return found


async def read_page(link: Link, stream: str, wildcard: str, start: int, count: int) -> list[Stored]:
    """Return the first `count` matching messages from sequence `start` on; one answer of the server may hold fewer."""
    found: list[Stored] = []
    more = True
    while more and len(found) < count:
        part, more = await _ask(link, stream, wildcard, start, count - len(found), None)
        found += part
        if part:
            start = part[-1].sequence + 1
    return found


async def _ask(
    link: Link, stream: str, wildcard: str, start: int, count: int, max_bytes: int | None
) -> tuple[list[Stored], bool]:
    """Return one answer of the server, and whether there is more. Source: ADR-31."""
    request: dict[str, object] = {"seq": start, "batch": count, "next_by_subj": wildcard}
    if max_bytes is not None:
        request["max_bytes"] = max_bytes
    *messages, end = await link.request_many(f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(request))
    found = [Stored(m.headers["Nats-Subject"], int(m.headers["Nats-Sequence"]), m.body) for m in messages]
    return found, bool(found) and end.status != _NO_MESSAGE and int(end.headers.get("Nats-Num-Pending", "0")) > 0
