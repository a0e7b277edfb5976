"""Bytes over the message limit, stored in parts under their SHA-256 digest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from tqcli.errors import CorruptRecord, NotFound
from tqcli.jetstream.api import check_ack
from tqcli.jetstream.scan import last_stored_at, oldest_first
from tqcli.jetstream.topology import OBJECTS_KEPT_DAYS

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

PART_BYTES = 256 * 1024
OLD = timedelta(days=OBJECTS_KEPT_DAYS / 2)
"""An older object is sent again: the job that names it may have to wait for as long."""


async def put_object(broker: Broker, data: bytes) -> str:
    """Store `data` and return its digest; what is stored already is not sent again before it is `OLD`.

    Raises:
        Unknown, Unavailable, QueueFull: it is not, or not surely, stored.
    """
    digest = sha256(data).hexdigest()
    parts = [data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES)] or [b""]
    # The last part goes last, so where it is, the others are, and about as old.
    stored_at = await last_stored_at(broker.link, broker.names.objects, broker.names.object(digest, len(parts) - 1))
    if stored_at is None or datetime.now(UTC) - stored_at > OLD:
        for number, part in enumerate(parts):
            subject = broker.names.object(digest, number)
            check_ack(await broker.link.post(subject, part, timeout_s=15.0), f"object {digest[:12]}")
    return digest


async def get_object(broker: Broker, digest: str) -> bytes:
    """Return the object of that digest.

    Raises:
        NotFound: there is none.
        CorruptRecord: what is there has another digest.
    """
    parts: dict[int, bytes] = {}
    async for stored in oldest_first(broker.link, broker.names.objects, broker.names.object(digest, "*"), page=8):
        parts[int(stored.subject.rpartition(".")[2])] = stored.body
    if not parts:
        msg = f"object {digest[:12]}… is not stored"
        raise NotFound(msg, hint=f"objects are kept for {OBJECTS_KEPT_DAYS} days")
    data = b"".join(parts[number] for number in sorted(parts))
    if sha256(data).hexdigest() != digest:
        msg = f"object {digest[:12]}… is damaged"
        raise CorruptRecord(msg)
    return data
