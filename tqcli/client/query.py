"""What is known of a job or a group.

A queued or scheduled job has only its message, an ended one only its record, a running one both, and the record is the
truth. So the record is read first. A scheduled job's message goes from the jobs to the timers, fires, and comes back.
What moves between two reads, or ends, may be nowhere where we look, and a replica may lag behind the leader; before a
job is called unknown, the leaders are asked, for the message in the order in which it moves and then for the record,
which was stored before the message went away.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tqcli.client.paging import in_pages
from tqcli.core.codec import decode_record, decode_spec
from tqcli.core.expiry import as_of, is_early, is_late, state_at
from tqcli.core.glance import glance
from tqcli.core.ids import JobId
from tqcli.core.job import Job, describe
from tqcli.core.state import State
from tqcli.errors import NotFound
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.lookup import ask_leader, count_messages, find_first, load_many
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.subjects import split_tail
from tqcli.jetstream.timers import find_timer
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tqcli.core.record import Record
    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker

FAILED_SHOWN = 10
"""Failed jobs that a group's view names."""

PAGE = 5_000
"""Messages of one request: each counts what is left of the group, so few large ones cost less."""

_ALIVE = (State.RUNNING, State.RETRYING, State.QUEUED, State.BLOCKED, State.SCHEDULED)
_WORST_FIRST = (State.FAILED, State.EXPIRED, State.CANCELLED, State.SUCCEEDED)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs submitted together.

    `state` is the liveliest state of its jobs; once all have ended, the worst. `counts` has each state that occurs;
    `missing` jobs were never accepted, or are forgotten. `failed` are the first few failed ones.
    """

    id: str
    group: str
    name: str | None
    state: State
    queue: str
    priority: str
    size: int
    counts: dict[State, int]
    missing: int
    submitted_at: datetime
    submitted_by: str | None
    retry_of: str | None
    failed: tuple[Job, ...]

    @property
    def final(self) -> bool:
        """True where every job has ended."""
        return self.state.final


class Found(NamedTuple):
    """A job as it is stored: its spec, and its record where it has one."""

    spec: Spec
    record: Record | None


async def resolve(broker: Broker, job: JobId) -> Job | Group:
    """Return the job, or the group, of that id.

    Raises:
        NotFound: there never was such a job or group, or it is forgotten.
        CorruptRecord: what is stored can't be read.
    """
    found = await find(broker, job)
    if job.index is None and found.spec.size is not None:
        return await _load_group(broker, found.spec)
    return _describe(found)


async def read_recorded(broker: Broker, group: str) -> AsyncIterator[Found]:
    """Yield what is stored of the jobs of a group that have a record, in the order of their last change.

    Raises:
        CorruptRecord: one of them can't be read.
    """
    async for stored in oldest_first(broker.link, broker.names.records, broker.names.records_of(group), page=PAGE):
        yield _from_record(stored.body)


async def count_unrecorded(broker: Broker, group: str) -> int:
    """Return how many jobs of a group have a message and no record."""
    names = broker.names
    seen: set[int] = set()
    # Messages first, in the order in which they move: a job that ends in between has its record by then.
    whole = (names.jobs, _whole(broker, group))
    for stream, wildcard in (whole, *((names.timers, subject) for subject in names.timers_of(group)), whole):
        async for page in in_pages(oldest_first(broker.link, stream, wildcard, page=PAGE), PAGE):
            subjects = {names.record(group, index): index for index in (split_tail(one.subject)[1] for one in page)}
            known = await load_many(broker.link, names.records, list(subjects))
            seen |= {index for subject, index in subjects.items() if subject not in known}
    return len(seen)


async def find(broker: Broker, job: JobId) -> Found:
    """Return what is stored of a job; of a group, what is stored of one of its jobs.

    Raises:
        NotFound, CorruptRecord: as `resolve`.
    """
    names = broker.names
    records = names.records_of(job.group) if job.index is None else names.record(job.group, job.index)
    jobs = names.job_anywhere(job, element=job.index is not None)
    try:
        if (stored := await find_first(broker.link, names.records, records)) is not None:
            return _from_record(stored.body)
        if (stored := await find_first(broker.link, names.jobs, jobs)) is not None:
            return Found(decode_spec(stored.body), None)
        if (stored := await find_timer(broker, job)) is not None:
            return Found(decode_spec(stored.body), None)
    except NoResponders:
        if await has_streams(broker):
            raise
    else:
        message = await _ask_for_message(broker, job, jobs)
        record = await ask_leader(broker.link, names.records, records)
        if record is not None:
            return _from_record(record)
        if message is not None:
            return Found(decode_spec(message), None)
    msg = f"no job {job}"
    raise NotFound(msg, hint="`tq ls` lists the recent jobs; ended ones are forgotten after some days")


async def has_streams(broker: Broker) -> bool:
    """Return whether tq was ever used on this broker, under this namespace."""
    try:
        await stream_state(broker.link, broker.names.jobs)
    except NotFound:
        return False
    return True


async def _load_group(broker: Broker, spec: Spec) -> Group:
    """Count the group's jobs: those with a record by its state, the others by where their message is."""
    size, now = spec.size or 1, datetime.now(UTC)
    homes = await _count_homes(broker, spec.group)
    counts = dict.fromkeys((*_ALIVE, *_WORST_FIRST), 0)
    stored_counts = counts.copy()
    failed: list[bytes] = []
    records = broker.names.records_of(spec.group)
    async for stored in oldest_first(broker.link, broker.names.records, records, page=PAGE):
        seen = glance(stored.body)
        stored_counts[seen.state] += 1
        # The jobs of a group expire together.
        times = {"not_before": seen.spec.not_before, "expires_at": spec.expires_at}
        counts[state_at(seen.state, seen.attempt, now, **times)] += 1
        if seen.state is State.FAILED and len(failed) < FAILED_SHOWN:
            failed.append(stored.body)
    without_record = max(0, size - sum(counts.values()))
    if without_record > _free_homes(homes, stored_counts):
        # It may be one that moved meanwhile, from where we had not looked to where we had.
        homes = _Homes._make(map(max, homes, await _count_homes(broker, spec.group)))
    alive = min(without_record, _free_homes(homes, stored_counts))
    scheduled = alive if homes.is_early else min(alive, max(0, homes.timers - stored_counts[State.RETRYING]))
    if is_late(State.QUEUED, spec.expires_at, now):
        counts[State.EXPIRED] += alive
    else:
        counts[State.SCHEDULED] += scheduled
        counts[State.QUEUED] += alive - scheduled
    states = [state for state in (*_ALIVE, *_WORST_FIRST) if counts[state]]
    return Group(
        id=spec.group,
        group=spec.group,
        name=spec.name,
        state=states[0],
        queue=spec.queue,
        priority=spec.priority,
        size=size,
        counts={state: counts[state] for state in states},
        missing=without_record - alive,
        submitted_at=spec.submitted_at,
        submitted_by=spec.submitted_by,
        retry_of=spec.retry_of and spec.retry_of.partition(".")[0],
        failed=tuple(describe(*_from_record(body)) for body in failed),
    )


def _describe(found: Found) -> Job:
    return as_of(describe(*found), datetime.now(UTC))


class _Homes(NamedTuple):
    """How many messages of a group are where; `is_early` where the first one in the queue is not in a timer yet."""

    queue: int
    timers: int
    firings: int
    is_early: bool


async def _count_homes(broker: Broker, group: str) -> _Homes:
    """Count the messages of a group, in the order in which they move."""
    link, names, whole = broker.link, broker.names, _whole(broker, group)
    queue = await count_messages(link, names.jobs, whole)
    timers, firings = [await count_messages(link, names.timers, subject) for subject in names.timers_of(group)]
    first = await find_first(link, names.jobs, whole) if queue else None
    spec = None if first is None else decode_spec(first.body)
    return _Homes(
        queue, timers, firings, spec is not None and is_early(State.QUEUED, 0, spec.not_before, datetime.now(UTC))
    )


def _free_homes(homes: _Homes, recorded: dict[State, int]) -> int:
    """Return how many messages are not those of jobs with a record: a job that is not at its end has both."""
    return max(0, homes.queue + homes.timers + homes.firings - sum(recorded[state] for state in _ALIVE))


def _from_record(body: bytes) -> Found:
    record = decode_record(body)
    return Found(decode_spec(bytes(record.spec)), record)


def _whole(broker: Broker, group: str) -> str:
    return broker.names.job_anywhere(JobId(group), element=False)


async def _ask_for_message(broker: Broker, job: JobId, jobs: str) -> bytes | None:
    """Return a message of the job as the leaders have it, wherever it is on its way."""
    names, index = broker.names, "*" if job.index is None else job.index
    places = (names.jobs, jobs), *((names.timers, subject) for subject in names.timers_of(job.group, index))
    for stream, subject in (*places, (names.jobs, jobs)):
        if (message := await ask_leader(broker.link, stream, subject)) is not None:
            return message
    return None
