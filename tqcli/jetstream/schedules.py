"""Schedules as they are stored: one snapshot for each, replaced by compare-and-set like a record; its timer; its jobs.

Whoever reads a snapshot, decides, and writes the next one has lost where another was faster (`WrongSequence`), and
begins anew. So of all agents and users at work on a schedule, each planned time is decided by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tqcli.core.codec import encode_spec
from tqcli.core.schedules.planning import next_firing
from tqcli.core.schedules.schedule import decode_schedule, encode_schedule, make_spec
from tqcli.core.spec import DEFAULT_QUEUE
from tqcli.errors import CorruptRecord, NotFound, Unknown
from tqcli.jetstream.api import WrongSequence, call, check_ack
from tqcli.jetstream.enqueue import Item, enqueue
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.lookup import load_from_leader
from tqcli.jetstream.scan import read_page
from tqcli.jetstream.subjects import HEADER_EXPECTED
from tqcli.jetstream.timers import remove_schedule_timer, set_schedule_timer, spell_moment
from tqcli.jetstream.topology import consumer_info, stream_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from tqcli.core.schedules.schedule import Run, Schedule
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.scan import Stored

ANSWER_TIMEOUT_S = 3.0
_PAUSE_S = 0.25
_TRIES = 3


class Snapshot(NamedTuple):
    """A schedule as it is stored: `sequence` is what the next write must expect."""

    schedule: Schedule
    sequence: int


class UnreadableSchedule(CorruptRecord):
    """The stored bytes are no schedule; `sequence` is what a write in their place must expect."""

    def __init__(self, cause: CorruptRecord, name: str, sequence: int) -> None:
        """Say what `cause` says, and of which schedule."""
        super().__init__(f"schedule {name!r}: {cause.message}", hint=cause.hint)
        self.name = name
        self.sequence = sequence


async def load_schedule(broker: Broker, name: str) -> Snapshot | None:
    """Return the schedule of that name, or None where there is none; as the leader has it: it is to be decided by.

    Raises:
        UnreadableSchedule: the stored bytes are none.
    """
    stored = await load_from_leader(broker.link, broker.names.schedules, broker.names.schedule(name))
    return None if stored is None else _read(stored)


async def read_schedules(broker: Broker, *, page: int = 256) -> AsyncIterator[Snapshot | UnreadableSchedule]:
    """Yield every schedule; in the place of one that can't be read, the error that says so."""
    if not await has_schedules(broker):
        return
    start = 1
    while found := await read_page(broker.link, broker.names.schedules, broker.names.schedule("*"), start, page):
        for stored in found:
            try:
                yield _read(stored)
            except UnreadableSchedule as error:
                yield error
        start = found[-1].sequence + 1


async def has_schedules(broker: Broker) -> bool:
    """Return whether the stream of schedules is there."""
    try:
        await stream_state(broker.link, broker.names.schedules)
    except NotFound:
        return False
    return True


async def write_schedule(broker: Broker, schedule: Schedule, *, expected: int) -> int:
    """Write a snapshot where the last one has the sequence `expected` (0: there is none); return the new one's.

    Raises:
        WrongSequence: somebody else wrote since.
        Unknown, Unavailable: the broker does not answer; the write may have happened.
    """
    subject, body = broker.names.schedule(schedule.name), encode_schedule(schedule)
    unsure = False
    for left in reversed(range(_TRIES)):
        try:
            headers = {HEADER_EXPECTED: str(expected)}
            reply = await broker.link.post(subject, body, headers=headers, timeout_s=ANSWER_TIMEOUT_S)
            return check_ack(reply, f"schedule {schedule.name}").seq
        except (Unknown, NoResponders) as error:
            unsure = unsure or isinstance(error, Unknown)
            if not left:
                raise
            await broker.link.sleep(_PAUSE_S)
        except WrongSequence:
            stored = await load_from_leader(broker.link, broker.names.schedules, subject) if unsure else None
            if stored is not None and stored.body == body:
                return stored.sequence
            raise
    raise AssertionError(_TRIES)


async def purge_schedule(broker: Broker, name: str) -> bool:
    """Remove a schedule, then its timer; return whether it was there. Who is about to write a snapshot of it loses."""
    names = broker.names
    answer = await call(broker.link, f"STREAM.PURGE.{names.schedules}", {"filter": names.schedule(name)})
    await remove_schedule_timer(broker, name)
    return bool(answer.get("purged"))


async def sync_timer(broker: Broker, schedule: Schedule) -> None:
    """Set the timer that the schedule needs now, or remove it where it needs none."""
    at = next_firing(schedule)
    if at is None:
        await remove_schedule_timer(broker, schedule.name)
    else:
        await set_schedule_timer(broker, schedule.name, at=at)


async def read_timers(broker: Broker) -> dict[str, str]:
    """Return the moment of each schedule's timer, by name; "" of one that fired, and waits for an agent."""
    names, found = broker.names, dict[str, str]()
    for wildcard, fired in ((names.schedule_timer("*"), False), (names.schedule_firing("*"), True)):
        start, page = 1, 1000
        while stored := await read_page(broker.link, names.timers, wildcard, start, page):
            for one in stored:
                found[one.subject.rpartition(".")[2]] = "" if fired else one.body.decode("ascii", "replace")
            start = stored[-1].sequence + 1
    return found


def is_timer_right(schedule: Schedule, moment: str | None) -> bool:
    """Return whether the timer found (None: none) is what the schedule needs; one that fired is looked at anyway."""
    at = next_firing(schedule)
    return moment == "" or moment == (None if at is None else spell_moment(at))


async def submit_run(broker: Broker, schedule: Schedule, run: Run, *, now: datetime) -> None:
    """Queue the job of a run. Done twice it is one job: its id is the run's, and its agent reads its record first.

    Raises:
        InvalidInput: the template makes no job that can be sent.
        Unknown, Unavailable, QueueFull: as `enqueue`.
    """
    spec = make_spec(schedule, run, now=now)
    subject = broker.names.job(spec.queue, spec.priority, spec.group, spec.index)
    await enqueue(broker, Item(subject, str(spec.id), encode_spec(spec)), recheck=True)


async def has_queue(broker: Broker, queue: str) -> bool:
    """Return whether jobs of the queue would be served some day; the default one comes with its first agent."""
    if queue == DEFAULT_QUEUE:
        return True
    try:
        await consumer_info(broker.link, broker.names.jobs, broker.names.queue_consumer(queue, "normal"))
    except NotFound:
        return False
    return True


def _read(stored: Stored) -> Snapshot:
    try:
        return Snapshot(decode_schedule(stored.body), stored.sequence)
    except CorruptRecord as error:
        raise UnreadableSchedule(error, stored.subject.rpartition(".")[2], stored.sequence) from error
