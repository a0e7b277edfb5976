"""What is waited for: one job, or all jobs of a group, and how far they are."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tqcli.client.hints import look
from tqcli.client.patience import insist
from tqcli.core.codec import decode_record, decode_spec
from tqcli.core.exit_status import EXIT_TIMEOUT, EXIT_UNKNOWN, exit_status
from tqcli.core.expiry import WAITING, as_of, is_early, until_late_s
from tqcli.core.glance import glance
from tqcli.core.ids import JobId
from tqcli.core.job import describe
from tqcli.core.state import State
from tqcli.errors import Unknown
from tqcli.jetstream.lookup import count_messages, find_first, load_many
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.subjects import split_tail
from tqcli.jetstream.timers import find_timer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tqcli.client.query import Found
    from tqcli.core.glance import Glance
    from tqcli.core.record import Record
    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker

LOOKS_UNTIL_MISSING = 3
"""What is waited for may still be on its way to the broker."""


class Tally(NamedTuple):
    """How many jobs there are, how many have ended, how many of these not with success, and how many run."""

    total: int
    ended: int
    unsuccessful: int
    running: int


class JobWatch:
    """One job."""

    def __init__(self, broker: Broker, job_id: JobId, found: Found) -> None:
        """Start with what was found."""
        self.id = job_id
        """What the user called it."""
        self.job = as_of(describe(*found), datetime.now(UTC))
        self._broker = broker
        self._looks = 0

    @property
    def subject(self) -> str:
        """Where its record is."""
        return self._broker.names.record(self.job.group, self.job.index or 0)

    @property
    def is_over(self) -> bool:
        """True once the job has ended."""
        return self.job.state.final

    @property
    def until_late_s(self) -> float:
        """In how many seconds to `check` it, because it is too late to start then."""
        return until_late_s(self.job.state, self.job.expires_at, datetime.now(UTC))

    @property
    def exit_code(self) -> int:
        """As the job ended."""
        return exit_status(self.job.state, self.job.reason, self.job.exit_code, self.job.signal)

    @property
    def ended_at(self) -> datetime | None:
        """When the job ended, None before."""
        return self.job.finished_at if self.is_over else None

    @property
    def tally(self) -> Tally:
        """The one job."""
        state = self.job.state
        return Tally(1, state.final, state.final and state is not State.SUCCEEDED, state is State.RUNNING)

    def take(self, record: Record) -> None:
        """Know its newest record."""
        self.job = as_of(describe(decode_spec(bytes(record.spec)), record), datetime.now(UTC))

    async def check(self) -> None:
        """Read the job, wherever it is.

        Raises:
            NotFound: it went away.
            Unknown: its submission broke off, and nobody goes on with it.
        """
        found = await look(self._broker, self.id)
        self.job = as_of(describe(*found), datetime.now(UTC))
        if self.is_over or found.record is None or found.record.state is not State.QUEUED or await self._has_message():
            self._looks = 0
            return
        # Its id is reserved for a key, and nothing was queued under it (see `client.once`).
        self._looks += 1
        if self._looks >= LOOKS_UNTIL_MISSING:
            msg = f"job {self.id} was never queued: its submission broke off"
            raise Unknown(msg, hint="submit it again with the same key: that completes it")

    async def _has_message(self) -> bool:
        broker = self._broker
        jobs = broker.names.job_anywhere(self.id)
        if await insist(broker, lambda: find_first(broker.link, broker.names.jobs, jobs)) is not None:
            return True
        return await insist(broker, lambda: find_timer(broker, JobId(self.job.group, self.job.index or 0))) is not None


class GroupWatch:
    """All jobs of a group. `counts` has each state of those that have a record; `missing` were never accepted."""

    def __init__(self, broker: Broker, spec: Spec) -> None:
        """Know its size; `refresh` reads the rest."""
        self.id = JobId(spec.group)
        self.size = spec.size or 1
        self.missing = 0
        self._broker = broker
        self._states: dict[int, State] = {}
        self._counts = dict.fromkeys(State, 0)
        self._ended = 0
        self._worst = 0
        self._ended_at: datetime | None = None
        self._cursor = 1
        self._looks = 0
        self._not_before = spec.not_before
        self._expires_at = spec.expires_at
        self._is_settled = False
        self._is_given_up = False

    @property
    def counts(self) -> dict[State, int]:
        """The number of jobs in each state that occurs; a job without a record waits for its time, or in the queue."""
        counts = self._counts.copy()
        early = is_early(State.QUEUED, 0, self._not_before, datetime.now(UTC))
        counts[State.SCHEDULED if early else State.QUEUED] += self._unseen - self.missing
        if self._is_given_up:
            counts |= {**dict.fromkeys(WAITING, 0), State.EXPIRED: counts[State.EXPIRED] + self._late}
        return {state: count for state, count in counts.items() if count}

    @property
    def is_over(self) -> bool:
        """True once every job that was accepted has ended."""
        return self._ended + self.missing + self._late >= self.size

    @property
    def exit_code(self) -> int:
        """As the worst of its jobs."""
        worst = max(self._worst, EXIT_TIMEOUT) if self._late else self._worst
        return max(worst, EXIT_UNKNOWN) if self.missing or not self.is_over else worst

    @property
    def until_late_s(self) -> float:
        """In how many seconds to `check` it, because those that wait are too late to start then."""
        if self._is_settled or self.is_over:
            return math.inf
        return until_late_s(State.QUEUED, self._expires_at, datetime.now(UTC))

    @property
    def ended_at(self) -> datetime | None:
        """When the last of its jobs ended, None before."""
        return self._ended_at if self.is_over else None

    @property
    def tally(self) -> Tally:
        """Its jobs."""
        ended = self._ended + self._late
        return Tally(self.size, ended, ended - self._counts[State.SUCCEEDED], self._counts[State.RUNNING])

    async def refresh(self) -> None:
        """Read the records that were written since the last time."""
        await insist(self._broker, self._read_new)

    async def _read_new(self) -> None:
        broker = self._broker
        wildcard = broker.names.records_of(self.id.group)
        async for stored in oldest_first(broker.link, broker.names.records, wildcard, start=self._cursor):
            self._cursor = stored.sequence + 1
            self._count(split_tail(stored.subject)[1], glance(stored.body))

    async def check(self) -> None:
        """Find out whether the jobs that nothing is known of are anywhere: their submission may have broken off.

        Those that are too late to start are expired; where we may not, they count as expired all the same.
        """
        if until_late_s(State.QUEUED, self._expires_at, datetime.now(UTC)) < 0:
            from tqcli.client.expire import end_late  # noqa: PLC0415 - few groups are late

            self._is_settled = True
            self._is_given_up = not await insist(self._broker, lambda: end_late(self._broker, self.id))
            await self.refresh()
            if self.is_over:
                return
        # A record `queued` without a message is a reservation whose submitter may have died.
        alive = len(self._states) - self._ended - self._counts[State.QUEUED]
        if alive or await insist(self._broker, self._has_message):
            self._looks = 0
            return
        await self.refresh()
        self._looks += 1
        if self._looks >= LOOKS_UNTIL_MISSING:
            self.missing = self._unseen + self._counts[State.QUEUED]

    async def _has_message(self) -> bool:
        broker, jobs = self._broker, self._broker.names.job_anywhere(self.id, element=False)
        if await count_messages(broker.link, broker.names.jobs, jobs):
            return True
        return await find_timer(broker, self.id) is not None

    @property
    def _late(self) -> int:
        """How many wait too late, though we may not expire them."""
        if not self._is_given_up:
            return 0
        return self._unseen - self.missing + sum(self._counts[state] for state in WAITING)

    @property
    def _unseen(self) -> int:
        return self.size - len(self._states)

    def _count(self, element: int, record: Glance) -> None:
        before = self._states.get(element)
        if before is not None:
            self._counts[before] -= 1
        self._states[element] = record.state
        self._counts[record.state] += 1
        if record.state.final:
            self._ended += before is None or not before.final
            code = exit_status(record.state, record.reason, record.exit_code, record.signal)
            self._worst = max(self._worst, code)
            self._ended_at = max(filter(None, (self._ended_at, record.finished_at)), default=None)


async def refresh(broker: Broker, watches: Sequence[JobWatch | GroupWatch]) -> None:
    """Read what is new of all of them; single jobs by the thousand."""
    jobs = {watch.subject: watch for watch in watches if isinstance(watch, JobWatch)}
    records = await insist(broker, lambda: load_many(broker.link, broker.names.records, list(jobs)))
    for subject, stored in records.items():
        jobs[subject].take(decode_record(stored.body))
    for watch in watches:
        if isinstance(watch, GroupWatch):
            await watch.refresh()


async def open_watch(broker: Broker, job_id: JobId) -> JobWatch | GroupWatch:
    """Return what stands for this id.

    Raises:
        NotFound: there is no such job or group.
    """
    found = await look(broker, job_id)
    if job_id.index is None and found.spec.size is not None:
        group = GroupWatch(broker, found.spec)
        await group.refresh()
        return group
    return JobWatch(broker, job_id, found)
