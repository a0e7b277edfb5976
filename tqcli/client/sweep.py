"""Ending many jobs that did not end by themselves: their records in atomic batches, 1,000 with one fsync.

The record comes first, then the job's message goes, then agents that may hold it are told. A crash in between leaves a
final record, and whoever gets the message loses at that record's fence.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.codec import decode_record
from tqcli.core.record import Record, queued
from tqcli.core.state import State
from tqcli.errors import Conflict, NotFound, TqError
from tqcli.jetstream.api import API, WrongSequence, check_ack
from tqcli.jetstream.cancelling import make_ended
from tqcli.jetstream.control import tell
from tqcli.jetstream.lookup import load_many
from tqcli.jetstream.records import Write, write_together
from tqcli.jetstream.scan import Stored
from tqcli.jetstream.subjects import split_job_subject, split_tail
from tqcli.jetstream.topology import consumer_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tqcli.jetstream.broker import Broker

BATCH = 1000
BATCH_BYTES = 8 * 1024 * 1024
_TRIES = 20
_POSTS_TOGETHER = 256


class Victim(msgspec.Struct, frozen=True):
    """A job to end. `last` is its record, stored as sequence `expected`; one not started yet has none, which is 0."""

    group: str
    index: int
    last: Record
    expected: int
    message: Stored | None = None


async def read_victims(broker: Broker, messages: Sequence[Stored]) -> list[Victim]:
    """Return the jobs of these messages, in a queue or in timers, that have not ended."""
    places = [split_tail(message.subject) for message in messages]
    known = await _load_records(broker, places)
    found = []
    for message, place in zip(messages, places, strict=True):
        last, expected = known.get(place) or (queued(message.body), 0)
        if not last.state.final:
            found.append(Victim(*place, last, expected, message))
    return found


async def write_ended(broker: Broker, victims: Sequence[Victim], state: State, *, running: bool) -> list[Victim]:
    """Write the final record `state` of each; return those that have it, the others ended first.

    Without `running`, a job that runs by now is left alone.

    Raises:
        Unknown, Unavailable: the broker does not answer; some may be written.
        Conflict: some were written by others at every try.
    """
    left = list(victims)
    size = BATCH
    done: list[Victim] = []
    for _ in range(_TRIES):
        rejected: list[Victim] = []
        for batch, writes in _split(left, state, size):
            try:
                await write_together(broker, os.urandom(8).hex(), writes)
            except WrongSequence:
                rejected += batch
            else:
                done += batch
        if not rejected:
            return done
        left = await _read_again(broker, rejected, running=running)
        # A batch is rejected whole, so among busy agents a smaller one has better luck.
        size = max(1, size // 4)
    msg = f"{len(left):,} jobs change faster than they can be {state}"
    raise Conflict(msg, hint="try again")


async def purge_messages(broker: Broker, stream: str, subjects: Sequence[str]) -> None:
    """Remove the messages of these subjects, several requests at a time."""
    for start in range(0, len(subjects), _POSTS_TOGETHER):
        part = subjects[start : start + _POSTS_TOGETHER]
        purge = f"{API}.STREAM.PURGE.{stream}"
        under_way = [broker.link.post(purge, msgspec.json.encode({"filter": subject})) for subject in part]
        for subject, answer in zip(part, under_way, strict=True):
            check_ack(await answer, subject)


async def tell_holders(broker: Broker, victims: Iterable[Victim]) -> None:
    """Tell the agents of those jobs that were delivered before their message went away."""
    delivered: dict[tuple[str, str], int] = {}
    subjects: list[str] = []
    for victim in victims:
        if victim.message is not None:
            queue, priority, *_ = split_job_subject(victim.message.subject)
            if (queue, priority) not in delivered:
                delivered[queue, priority] = await _last_delivered(broker, queue, priority)
            if victim.message.sequence > delivered[queue, priority]:
                continue
        subjects.append(broker.names.cancel(victim.group, victim.index))
    await tell(broker.link, subjects)


async def purge_timers(broker: Broker, places: Sequence[tuple[str, int]]) -> None:
    """Remove the timers of these jobs. One that stays is harmless: when it fires, the agent finds the final record."""
    names = broker.names
    subjects = [subject for place in places for subject in names.timers_of(*place)]
    try:
        await purge_messages(broker, names.timers, subjects)
    except TqError:
        return


def _split(victims: Sequence[Victim], state: State, size: int) -> Iterator[tuple[list[Victim], list[Write]]]:
    """Yield batches of at most `size` jobs, and not much more than `BATCH_BYTES`."""
    batch: list[Victim] = []
    writes: list[Write] = []
    weight = 0
    for one in victims:
        write = Write(one.group, one.index, make_ended(one.last, state), one.expected)
        batch.append(one)
        writes.append(write)
        weight += len(write.body)
        if len(batch) == size or weight >= BATCH_BYTES:
            yield batch, writes
            batch, writes, weight = [], [], 0
    if batch:
        yield batch, writes


async def _read_again(broker: Broker, victims: Sequence[Victim], *, running: bool) -> list[Victim]:
    """Return the victims with their records of now, without those that are out of reach."""
    known = await _load_records(broker, [(one.group, one.index) for one in victims])
    found = []
    for one in victims:
        last, expected = known.get((one.group, one.index)) or (one.last, one.expected)
        if not last.state.final and (running or last.state is not State.RUNNING):
            found.append(msgspec.structs.replace(one, last=last, expected=expected))
    return found


async def _load_records(broker: Broker, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], tuple[Record, int]]:
    subjects = {broker.names.record(*place): place for place in places}
    stored = await load_many(broker.link, broker.names.records, list(subjects))
    return {subjects[subject]: (decode_record(one.body), one.sequence) for subject, one in stored.items()}


async def _last_delivered(broker: Broker, queue: str, priority: str) -> int:
    """Return the sequence up to which this level of the queue was handed to agents."""
    try:
        info = await consumer_info(broker.link, broker.names.jobs, broker.names.queue_consumer(queue, priority))
    except NotFound:
        return 0
    delivered: int = info["delivered"]["stream_seq"]
    return delivered
