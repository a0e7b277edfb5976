"""Atomic batches: messages that a stream stores together or not at all.

Source: nats-architecture-and-design ADR-50.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from tqcli.jetstream.link import Link, Message


class Part(NamedTuple):
    """One message of a batch."""

    subject: str
    body: bytes
    headers: Mapping[str, str]


async def send_batch(link: Link, batch_id: str, parts: Sequence[Part], *, timeout_s: float) -> Awaitable[Message]:
    """Send an atomic batch; return its answer-to-be: one PubAck, with the sequence of the last message.

    `batch_id` must be new: a broken-off batch of that name may still be open at the server.

    Raises:
        Unavailable: it was not sent whole, so nothing of it will be stored.
    """
    *before, last = parts
    for number, part in enumerate(before, 1):
        headers = {**part.headers, "Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number)}
        await link.publish(part.subject, part.body, headers=headers)
    headers = {
        **last.headers,
        "Nats-Batch-Id": batch_id,
        "Nats-Batch-Sequence": str(len(parts)),
        "Nats-Batch-Commit": "1",
    }
    return link.post(last.subject, last.body, headers=headers, timeout_s=timeout_s)
