"""The list of recent jobs, newest first, read only as far as somebody looks.

Records lie in the order of their last write, messages in that of their submission, or of when they came into a timer.
All are walked backwards and sorted by the time of submission within a window: exact as long as no job was overtaken by
more than `WINDOW` others.
A job that has a message and a record is what the record says.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import TYPE_CHECKING

import msgspec

from tqcli.client.paging import in_pages
from tqcli.core.codec import decode_record, decode_spec
from tqcli.core.expiry import as_of, state_at
from tqcli.core.glance import glance
from tqcli.core.job import Job, describe
from tqcli.core.state import State
from tqcli.errors import CorruptRecord
from tqcli.jetstream.lookup import load_many, read_consumers
from tqcli.jetstream.scan import newest_first, oldest_first
from tqcli.jetstream.subjects import split_tail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tqcli.core.glance import Glance
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.scan import Stored

    Note = Callable[[str], None]

WINDOW = 256
SCANNED_MOST = 100_000
"""Jobs that are looked at for a filter that hardly any passes."""

CUT_SHORT = "looked at the {:,} newest jobs only; older ones may match, too"
_HAVE_MESSAGES = frozenset({State.SCHEDULED, State.QUEUED, State.RUNNING})
"""States in which a job has its message, whatever its record says."""

_WITHOUT_RECORD = frozenset({State.SCHEDULED, State.QUEUED, State.EXPIRED})
"""States in which a job may have nothing but its message."""

_ALL = ">"
"""Every subject of the stream: a filter that says the same in more words makes the server count matches (8 ms for
100,000 subjects, nats-server 2.15.1)."""


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What to list; None is everything. `since`: submitted, started or ended at that time or later."""

    states: frozenset[State] | None = None
    queue: str | None = None
    name: str | None = None
    since: datetime | None = None

    def allow(self, job: Job) -> bool:
        """Return whether the job is one to list."""
        return self._match(job.state, job.queue, job.name) and (self.since is None or last_change(job) >= self.since)

    def may_allow(self, seen: Glance) -> bool:
        """Return False where a glance at its record is enough to drop the job."""
        return self._match(_state_now(seen), seen.spec.queue, seen.spec.name)

    def _match(self, state: State, queue: str, name: str | None) -> bool:
        return (
            (self.states is None or state in self.states)
            and (self.queue is None or queue == self.queue)
            and (self.name is None or name == self.name)
        )


def _state_now(seen: Glance) -> State:
    """Return the job's state as of now."""
    times = {"not_before": seen.spec.not_before, "expires_at": seen.spec.expires_at}
    return state_at(seen.state, seen.attempt, datetime.now(UTC), **times)


def last_change(job: Job) -> datetime:
    """Return the last moment at which the job was submitted, started or ended."""
    times = (job.submitted_at, job.started_at, job.finished_at, *(one.finished_at for one in job.attempts[-1:]))
    return max(time for time in times if time is not None)


async def list_jobs(broker: Broker, filters: Filters, *, limit: int | None, on_note: Note) -> AsyncIterator[Job]:
    """Yield the jobs that pass the filters, newest first.

    `on_note` gets a line for the user where the search was cut short, or a record can't be read.
    """
    if filters.states == frozenset({State.RUNNING}):
        jobs = _read_running(broker, filters)
    elif filters.states is not None and filters.states <= _HAVE_MESSAGES:
        jobs = _read_unsettled(broker, filters, on_note)
    else:
        jobs = _sort(_read_recorded(broker, filters, on_note))
        if filters.states is None or not filters.states.isdisjoint(_WITHOUT_RECORD):
            # Messages first: a job that loses its message later has its record by then.
            jobs = _merge(_read_unsettled(broker, filters, on_note), jobs)
    shown: set[str] = set()
    async for job in jobs:
        if limit is not None and len(shown) >= limit:
            return
        # A running job has a message and a record.
        if job.id not in shown:
            shown.add(job.id)
            yield job


async def _read_recorded(broker: Broker, filters: Filters, on_note: Note) -> AsyncIterator[Job | None]:
    """Yield the jobs with a record, None for each that the filters drop."""
    scanned = unreadable = too_old = 0
    async for stored in newest_first(broker.link, broker.names.records, _ALL):
        scanned += 1
        if scanned > SCANNED_MOST:
            on_note(CUT_SHORT.format(SCANNED_MOST))
            break
        try:
            seen = glance(stored.body)
            job = _describe_record(stored) if filters.may_allow(seen) else None
        except (msgspec.DecodeError, CorruptRecord):
            unreadable += 1
            continue
        yield job if job is not None and filters.allow(job) else None
        # Records that an agent could write only after an outage are older than their neighbours: so not at the first.
        is_old = filters.since is not None and seen.finished_at is not None and seen.finished_at < filters.since
        too_old = too_old + 1 if is_old else 0
        if too_old >= WINDOW:
            break
    if unreadable:
        noun = "record" if unreadable == 1 else "records"
        on_note(f"left out {unreadable:,} {noun} that this version of tq can't read")


def _read_unsettled(broker: Broker, filters: Filters, on_note: Note) -> AsyncIterator[Job]:
    """Yield the jobs that have a message, in a queue or in timers, newest first."""
    names = broker.names
    queued = _ALL if filters.queue is None else names.jobs_of(filters.queue)
    jobs = _sort(_read_messages(broker, names.jobs, queued, filters, on_note))
    for wildcard in names.timers_of("*"):
        jobs = _merge(jobs, _sort(_read_messages(broker, names.timers, wildcard, filters, on_note)))
    return jobs


async def _read_messages(
    broker: Broker, stream: str, wildcard: str, filters: Filters, on_note: Note
) -> AsyncIterator[Job | None]:
    """Yield the jobs that have a message there, None for each that the filters drop."""
    scanned = 0
    async for page in in_pages(newest_first(broker.link, stream, wildcard), WINDOW):
        if scanned >= SCANNED_MOST:
            on_note(CUT_SHORT.format(SCANNED_MOST))
            return
        scanned += len(page)
        jobs = await _describe_messages(broker, page)
        for job in jobs:
            yield job if job is not None and filters.allow(job) else None
        known = [last_change(job) for job in jobs if job is not None]
        if filters.since is not None and known and max(known) < filters.since:
            return


async def _read_running(broker: Broker, filters: Filters) -> AsyncIterator[Job]:
    """Yield the running jobs: those whose message is in an agent's hands, as far as their record says so.

    A consumer's messages between its ack floor and its last delivery are exactly the unsettled ones, so this costs
    what runs now, not what ever ran.
    """
    found: list[Job] = []
    async for info in read_consumers(broker.link, broker.names.jobs):
        if not info["num_ack_pending"]:
            continue
        subject, last = info["config"]["filter_subject"], info["delivered"]["stream_seq"]
        start = info["ack_floor"]["stream_seq"] + 1
        held = _until(oldest_first(broker.link, broker.names.jobs, subject, start=start, page=WINDOW), last)
        async for page in in_pages(held, WINDOW):
            jobs = await _describe_messages(broker, page)
            found += [job for job in jobs if job is not None and filters.allow(job)]
    for job in sorted(found, key=_newest_first):
        yield job


async def _describe_messages(broker: Broker, page: list[Stored]) -> list[Job | None]:
    """Return the jobs of these messages, None for one that can't be read: its agent will write that into a record."""
    subjects = [broker.names.record(*split_tail(message.subject)) for message in page]
    records = await load_many(broker.link, broker.names.records, subjects)
    jobs: list[Job | None] = []
    for message, subject in zip(page, subjects, strict=True):
        stored = records.get(subject)
        try:
            jobs.append(_describe_message(message) if stored is None else _describe_record(stored))
        except CorruptRecord:
            jobs.append(None)
    return jobs


def _describe_message(message: Stored) -> Job:
    return as_of(describe(decode_spec(message.body), None), datetime.now(UTC))


def _describe_record(stored: Stored) -> Job:
    record = decode_record(stored.body)
    return as_of(describe(decode_spec(bytes(record.spec)), record), datetime.now(UTC))


def _newest_first(job: Job) -> tuple[float, str, int]:
    return (-job.submitted_at.timestamp(), job.group, -(job.index or 0))


async def _sort(jobs: AsyncIterator[Job | None]) -> AsyncIterator[Job]:
    """Yield the jobs sorted, as far as `WINDOW` of them, dropped ones included, allow a look ahead."""
    held: list[tuple[tuple[float, str, int], int, Job]] = []
    due: deque[int] = deque()
    place = 0
    async for job in jobs:
        place += 1
        if job is not None:
            heappush(held, (_newest_first(job), place, job))
            due.append(place + WINDOW)
        while due and due[0] <= place:
            due.popleft()
            yield heappop(held)[2]
    while held:
        yield heappop(held)[2]


async def _merge(left: AsyncIterator[Job], right: AsyncIterator[Job]) -> AsyncIterator[Job]:
    one, other = await anext(left, None), await anext(right, None)
    while one is not None or other is not None:
        if one is not None and (other is None or _newest_first(one) <= _newest_first(other)):
            yield one
            one = await anext(left, None)
        elif other is not None:
            yield other
            other = await anext(right, None)


async def _until(messages: AsyncIterator[Stored], last: int) -> AsyncIterator[Stored]:
    async for message in messages:
        if message.sequence > last:
            return
        yield message
