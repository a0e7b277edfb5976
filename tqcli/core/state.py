"""The states of a job and every move between them.

A job with no record is queued: its only home is its message. A short job goes from there straight to its final record.
Scheduled is never written down either: it is a queued job whose time has not come (`core.expiry`).
"""

from __future__ import annotations

from enum import StrEnum

from tqcli.errors import Conflict


class State(StrEnum):
    """Where a job is."""

    SCHEDULED = "scheduled"
    BLOCKED = "blocked"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """True where the job has ended: no move leads out."""
        return self in FINAL


class Reason(StrEnum):
    """Why a job failed."""

    EXIT = "exit"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    NOT_STARTED = "not_started"
    LOST = "lost"
    REJECTED = "rejected"
    ERROR = "error"


FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.EXPIRED})

MOVES: dict[State, frozenset[State]] = {
    State.SCHEDULED: frozenset({State.QUEUED, State.CANCELLED, State.EXPIRED}),
    State.BLOCKED: frozenset({State.QUEUED, State.CANCELLED, State.EXPIRED}),
    State.QUEUED: frozenset({State.RUNNING, State.RETRYING, *FINAL}),
    State.RUNNING: frozenset({State.RUNNING, State.QUEUED, State.RETRYING, *FINAL}),
    State.RETRYING: frozenset({State.RUNNING, State.QUEUED, State.RETRYING, *FINAL}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset(),
}


def check_move(old: State, new: State) -> None:
    """Return where `old` → `new` is in the table.

    Raises:
        Conflict: it is not; the job keeps its state.
    """
    if new not in MOVES[old]:
        msg = f"a {old} job can't become {new}"
        raise Conflict(msg)
