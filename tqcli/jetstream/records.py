"""Reading and writing records; every write is compare-and-set.

That is the fence: JetStream answers OK to a stale holder's ack (H11), but a record can be written only by whoever knows
the sequence of the last write. A loser gets `WrongSequence` and stops its child.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tqcli.core.codec import decode_record, encode
from tqcli.core.record import Record
from tqcli.errors import CorruptRecord, Unknown
from tqcli.jetstream.api import WrongSequence, check_ack
from tqcli.jetstream.batch import Part, send_batch
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.scan import load_last
from tqcli.jetstream.subjects import HEADER_EXPECTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tqcli.jetstream.broker import Broker

ANSWER_TIMEOUT_S = 3.0


class UnreadableRecord(CorruptRecord):
    """The stored bytes are no record; `sequence` is what a write in their place must expect."""

    def __init__(self, cause: CorruptRecord, sequence: int) -> None:
        """Say what `cause` says."""
        super().__init__(cause.message, hint=cause.hint)
        self.sequence = sequence


class Snapshot(msgspec.Struct, frozen=True):
    """A record as it is stored: `sequence` is what the next write must expect."""

    group: str
    index: int
    record: Record
    sequence: int


class Write(msgspec.Struct, frozen=True):
    """A record to write where the subject's last sequence is `expected` (0: there is none)."""

    group: str
    index: int
    body: bytes
    expected: int


async def load_record(broker: Broker, group: str, index: int) -> Snapshot | None:
    """Return a job's record, or None where it has none.

    Raises:
        UnreadableRecord: the stored bytes are no record.
    """
    stored = await load_last(broker.link, broker.names.records, broker.names.record(group, index))
    if stored is None:
        return None
    try:
        return Snapshot(group, index, decode_record(stored.body), stored.sequence)
    except CorruptRecord as error:
        raise UnreadableRecord(error, stored.sequence) from error


async def write_record(broker: Broker, group: str, index: int, record: Record, *, expected: int) -> int:
    """Write one record and return its sequence.

    Raises:
        WrongSequence: somebody else wrote since: this holder has lost.
        Unknown, Unavailable: the broker does not answer; the write may have happened.
    """
    return await write_alone(broker, Write(group, index, encode(record), expected))


async def write_alone(broker: Broker, write: Write, *, tries: int = 3, unsure: bool = False) -> int:
    """Write one record by itself; where an answer got lost (`unsure`: already), look whether the record there is ours.

    Raises:
        As `write_record`.
    """
    subject = broker.names.record(write.group, write.index)
    for attempt in range(tries):
        try:
            reply = await broker.link.post(
                subject, write.body, headers={HEADER_EXPECTED: str(write.expected)}, timeout_s=ANSWER_TIMEOUT_S
            )
            return check_ack(reply, f"record {write.group}.{write.index}").seq
        except (Unknown, NoResponders) as error:
            unsure = unsure or isinstance(error, Unknown)
            if attempt == tries - 1:
                raise
            await broker.link.sleep(0.25)
        except WrongSequence:
            stored = await load_last(broker.link, broker.names.records, subject)
            if stored is None and write.expected:
                # Nobody removes records but age: the job has run for longer than they are kept.
                return await write_alone(broker, Write(write.group, write.index, write.body, 0), unsure=unsure)
            if unsure and stored is not None and stored.body == write.body:
                return stored.sequence
            raise
    raise AssertionError(tries)


async def write_together(broker: Broker, batch_id: str, writes: Sequence[Write]) -> list[int]:
    """Write several records as one atomic batch: one fsync for all. Return their sequences.

    Raises:
        WrongSequence: one of them lost; none was written.
        Unknown, Unavailable: the broker does not answer; all or none were written.
    """
    names = broker.names
    parts = [
        Part(names.record(write.group, write.index), write.body, {HEADER_EXPECTED: str(write.expected)})
        for write in writes
    ]
    reply = await send_batch(broker.link, batch_id, parts, timeout_s=ANSWER_TIMEOUT_S)
    last = check_ack(await reply, f"batch {batch_id}").seq
    return list(range(last - len(writes) + 1, last + 1))
