"""The verdict: what follows from an attempt's outcome. A decision, made by rules alone and carried out elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.backoff import parse_backoff
from tqcli.core.codes import parse_codes
from tqcli.core.outcome import (
    Exited,
    Expired,
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
from tqcli.core.state import Reason

if TYPE_CHECKING:
    from tqcli.core.spec import Spec


class Succeed(msgspec.Struct, frozen=True):
    """The job succeeded."""


class Fail(msgspec.Struct, frozen=True):
    """The job failed for good."""

    reason: Reason


class Retry(msgspec.Struct, frozen=True):
    """The job runs again, not before `at`."""

    at: datetime


class Expire(msgspec.Struct, frozen=True):
    """The job is too late to start."""


class Return(msgspec.Struct, frozen=True):
    """The job goes back to its queue at once; the attempt does not count."""


Verdict = Succeed | Fail | Retry | Expire | Return


def decide(spec: Spec, *, attempt: int, losses: int, outcome: Outcome, now: datetime, draw: float) -> Verdict:
    """Return what becomes of a job whose attempt ended so.

    `attempt` is the number of attempts that count, this one included; `losses` that of lost deliveries, this one
    included where it is `Lost`. `draw` in [0, 1) spreads the backoff. `spec` has passed `check_spec`.
    """
    match outcome:
        case Exited(0) | Returned():
            return Succeed()
        case Expired():
            return Expire()
        case Interrupted():
            return Return()
        case Lost():
            return Return() if losses <= spec.max_losses else Fail(Reason.LOST)
        case Rejected():
            return Fail(Reason.REJECTED)
        case Exited() | Signalled() | TimedOut() | NotStarted() | Raised():
            return _retry_or_fail(spec, attempt=attempt, outcome=outcome, now=now, draw=draw)


def _retry_or_fail(
    spec: Spec,
    *,
    attempt: int,
    outcome: Exited | Signalled | TimedOut | NotStarted | Raised,
    now: datetime,
    draw: float,
) -> Retry | Fail:
    if attempt <= spec.retries and _may_retry(spec, outcome):
        at = now + parse_backoff(spec.backoff).delay(attempt, draw)
        if spec.expires_at is None or at < spec.expires_at:
            return Retry(at)
    return Fail(_reason(outcome))


def _may_retry(spec: Spec, outcome: Exited | Signalled | TimedOut | NotStarted | Raised) -> bool:
    """Return whether codes and kinds of exceptions allow it; what is named in both senses is final.

    Where none is named, all is retried but a program that is not there.
    """
    if _is_named(outcome, spec.no_retry_on, spec.no_retry_on_errors):
        return False
    if spec.retry_on is not None or spec.retry_on_errors:
        return _is_named(outcome, spec.retry_on, spec.retry_on_errors)
    return not isinstance(outcome, NotStarted)


def _is_named(outcome: Outcome, codes: str | None, errors: tuple[str, ...]) -> bool:
    if isinstance(outcome, Raised) and any(kind in errors for kind in outcome.kinds):
        return True
    return codes is not None and parse_codes(codes).matches(outcome)


def _reason(outcome: Exited | Signalled | TimedOut | NotStarted | Raised) -> Reason:
    match outcome:
        case Exited():
            return Reason.EXIT
        case Signalled():
            return Reason.SIGNAL
        case TimedOut():
            return Reason.TIMEOUT
        case NotStarted():
            return Reason.NOT_STARTED
        case Raised():
            return Reason.ERROR
