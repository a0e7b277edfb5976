"""When a job is too late to start.

A job that waits past its time is expired, whether or not anybody was there to write that down: no agent will start it.
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


def expire(job: Job, now: datetime) -> Job:
    """Return the job as it is `now`: one that is too late to start is expired."""
    return msgspec.structs.replace(job, state=State.EXPIRED) if is_late(job.state, job.expires_at, now) else job
