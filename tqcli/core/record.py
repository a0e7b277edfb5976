"""A job's record: everything that happened to it so far, in one snapshot.

Each write replaces the one before (compare-and-set), so the last message on the record's subject is the whole truth.
The functions here make the next record out of the last; they are the only ones that change a state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tqcli.core.outcome import Failure
from tqcli.core.spec import WIRE_VERSION, Moment, Stored
from tqcli.core.state import Reason, State, check_move

if TYPE_CHECKING:
    from datetime import datetime

    Result = msgspec.Raw | None
else:
    # msgspec 0.22 reads a Raw in a union as if it were not there. Missing is None; a JSON null is Raw(b"null").
    Result = msgspec.Raw

ATTEMPTS_KEPT = 20
"""Attempts that a record remembers; of more, the newest. The counts stay true."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One execution. `ended` is None while it runs, else a `Reason`, `succeeded`, `cancelled` or `interrupted`."""

    number: int
    agent: str
    started_at: Moment
    finished_at: Moment | None = None
    ended: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    error: Failure | None = None


class Output(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the last attempt printed, in bytes; `dropped` of them were cut out of the middle."""

    stdout: int = 0
    stderr: int = 0
    dropped: int = 0


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One job as it stands. `claim` names the holder's delivery; `attempt` counts executions, `losses`, lost ones.

    A result that is too large for a message is the object `stored_result`.
    """

    v: int
    spec: msgspec.Raw
    state: State
    attempt: int = 0
    losses: int = 0
    interruptions: int = 0
    claim: str | None = None
    reason: Reason | None = None
    exit_code: int | None = None
    signal: int | None = None
    error: Failure | None = None
    result: Result = None
    stored_result: Stored | None = None
    agent: str | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    retry_at: Moment | None = None
    output: Output | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def counted(self) -> int:
        """Attempts that count against the job's retries."""
        return self.attempt - self.losses - self.interruptions


def queued(spec: bytes) -> Record:
    """Return the record that a queued job would have: none is stored for it."""
    return Record(v=WIRE_VERSION, spec=msgspec.Raw(spec), state=State.QUEUED)


def start(last: Record, *, agent: str, claim: str, now: datetime) -> Record:
    """Return the record of an attempt that begins."""
    check_move(last.state, State.RUNNING)
    attempt = Attempt(number=last.attempt + 1, agent=agent, started_at=now)
    return msgspec.structs.replace(
        last,
        state=State.RUNNING,
        attempt=attempt.number,
        claim=claim,
        agent=agent,
        started_at=now,
        finished_at=None,
        retry_at=None,
        reason=None,
        exit_code=None,
        signal=None,
        error=None,
        result=None,
        stored_result=None,
        attempts=(*last.attempts, attempt)[-ATTEMPTS_KEPT:],
    )


def end_attempt(last: Record, **facts: object) -> Record:
    """Return the record with its running attempt closed by `facts` (fields of `Attempt`)."""
    if not last.attempts:
        # No agent writes this; but a stored record is input, and a crash here would come back with every delivery.
        return last
    *before, attempt = last.attempts
    return msgspec.structs.replace(last, attempts=(*before, msgspec.structs.replace(attempt, **facts)))


def become(last: Record, state: State, **facts: object) -> Record:
    """Return the record in its next `state`, with these fields changed; the claim ends with the running state.

    Raises:
        Conflict: the table of moves has no such move.
    """
    check_move(last.state, state)
    return msgspec.structs.replace(last, state=state, claim=None, **facts)
