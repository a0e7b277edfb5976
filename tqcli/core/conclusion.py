"""The record after an attempt: its outcome as facts, its verdict as the next state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tqcli.core.outcome import (
    Exited,
    Expired,
    Failure,
    Interrupted,
    Lost,
    NotStarted,
    Outcome,
    Raised,
    Rejected,
    Returned,
    Signalled,
    TimedOut,
)
from tqcli.core.record import Output, Record, become, end_attempt
from tqcli.core.state import State
from tqcli.core.verdict import Expire, Fail, Retry, Return, Succeed, Verdict

if TYPE_CHECKING:
    from datetime import datetime

BRIEF_CHARACTERS = 500
MAX_RESULT_BYTES = 256 * 1024
"""With a spec of 512 KiB and a history it stays below the server's default `max_payload` (H5); more is stored apart."""


def conclude(
    last: Record, outcome: Outcome, verdict: Verdict, *, now: datetime, output: Output | None = None
) -> Record:
    """Return the record that follows `last` where its attempt, if one was running, had this outcome and verdict.

    Raises:
        Conflict: the table of moves has no such move.
    """
    facts = _facts(outcome, last)
    record = count_ended(last, outcome, now=now)
    value: dict[str, Any] = {}
    if isinstance(outcome, Returned):
        value = {"result": outcome.value} if outcome.stored is None else {"stored_result": outcome.stored}
    match verdict:
        case Succeed():
            return become(record, State.SUCCEEDED, finished_at=now, output=output, **value, **facts)
        case Fail(reason):
            return become(record, State.FAILED, finished_at=now, reason=reason, output=output, **facts)
        case Expire():
            return become(record, State.EXPIRED, finished_at=now)
        case Retry(at):
            return become(record, State.RETRYING, retry_at=at, output=output, **facts)
        case Return():
            return become(record, State.QUEUED)


def count_ended(last: Record, outcome: Outcome, *, now: datetime) -> Record:
    """Return the record with its running attempt ended, and counted where it was lost or interrupted."""
    if last.state is not State.RUNNING:
        return last
    facts = _facts(outcome, last)
    if "error" in facts:
        facts["error"] = _in_brief(facts["error"])
    record = end_attempt(last, finished_at=now, ended=_word(outcome), **facts)
    return msgspec.structs.replace(
        record,
        losses=record.losses + isinstance(outcome, Lost),
        interruptions=record.interruptions + isinstance(outcome, Interrupted),
    )


def _in_brief(failure: Failure) -> Failure:
    """Return the failure as the history keeps it; the record itself has the last one whole."""
    return Failure(failure.type[:BRIEF_CHARACTERS], failure.message[:BRIEF_CHARACTERS])


def _word(outcome: Outcome) -> str:
    match outcome:
        case Exited(0) | Returned():
            return "succeeded"
        case Exited():
            return "exit"
        case Signalled():
            return "signal"
        case TimedOut():
            return "timeout"
        case NotStarted():
            return "not_started"
        case Raised():
            return "error"
        case Rejected():
            return "rejected"
        case Expired():
            return "expired"
        case Lost():
            return "lost"
        case Interrupted():
            return "interrupted"


def _facts(outcome: Outcome, last: Record) -> dict[str, Any]:
    """Return the fields that an attempt and its record share."""
    match outcome:
        case Exited(code):
            return {"exit_code": code}
        case Signalled(signal):
            return {"signal": signal}
        case NotStarted(code, failure):
            return {"exit_code": code, "error": failure}
        case Raised(failure) | Rejected(failure):
            return {"error": failure}
        case Lost(agent):
            lost = [attempt.agent for attempt in last.attempts if attempt.ended == "lost"]
            return {"error": Failure("Lost", f"went silent while they ran it: {', '.join([*lost, agent])}")}
        case Returned() | TimedOut() | Expired() | Interrupted():
            return {}
