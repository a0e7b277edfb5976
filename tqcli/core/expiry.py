"""What the time alone makes of a job: too early to start, or too late.

A job that never started is scheduled until its time comes, and nobody writes that down. One that waits past its last
moment is expired, whether or not anybody was there to write that down: no agent will start it.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.state import State

if TYPE_CHECKING:
    from datetime import datetime

    from tqcli.core.job import Job

MARGIN = timedelta(milliseconds=500)
"""An agent that started a job just in time may write that down a moment later."""

WAITING = frozenset({State.SCHEDULED, State.BLOCKED, State.QUEUED, State.RETRYING})
"""States in which a job waits for its (next) start."""


def is_late(state: State, expires_at: datetime | None, now: datetime) -> bool:
    """Return whether a job in this state is too late to start."""
    return until_late_s(state, expires_at, now) < 0


def until_late_s(state: State, expires_at: datetime | None, now: datetime) -> float:
    """Return the seconds until a job is too late to start: less than 0 where it is, infinite where it can't be."""
    if expires_at is None or state not in WAITING:
        return math.inf
    return (expires_at + MARGIN - now).total_seconds()


def is_early(state: State, attempt: int, not_before: datetime | None, now: datetime) -> bool:
    """Return whether a job that never started is too early to start."""
    return not_before is not None and state is State.QUEUED and not attempt and not_before > now


def state_at(
    state: State, attempt: int, now: datetime, *, not_before: datetime | None, expires_at: datetime | None
) -> State:
    """Return the state of a job of which this is written down, as it is `now`."""
    if is_late(state, expires_at, now):
        return State.EXPIRED
    return State.SCHEDULED if is_early(state, attempt, not_before, now) else state


def as_of(job: Job, now: datetime) -> Job:
    """Return the job as it is `now`: scheduled where it is too early to start, expired where it is too late."""
    state = state_at(job.state, job.attempt, now, not_before=job.not_before, expires_at=job.expires_at)
    return job if state is job.state else msgspec.structs.replace(job, state=state)
