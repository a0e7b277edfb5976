"""The verdict: one function decides what follows from an attempt."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.examples import FAILURE, NOW, draws, moments, outcomes, retriable, specs, vary
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
from tqcli.core.verdict import Expire, Fail, Retry, Return, Succeed, Verdict, decide

if TYPE_CHECKING:
    from tqcli.core.spec import Spec

counts = st.integers(0, 1_000_000)


def judge(spec: Spec, outcome: Outcome, *, attempt: int = 1, losses: int = 0) -> Verdict:
    """Return the verdict now, with chance in the middle."""
    return decide(spec, attempt=attempt, losses=losses, outcome=outcome, now=NOW, draw=0.5)


@given(spec=specs, attempt=counts, losses=counts, outcome=outcomes, now=moments, draw=draws)
def test_every_outcome_has_a_verdict(
    spec: Spec, attempt: int, losses: int, outcome: Outcome, now: datetime, draw: float
) -> None:
    """Deciding never raises, and success comes from success alone."""
    verdict = decide(spec, attempt=attempt, losses=losses, outcome=outcome, now=now, draw=draw)
    assert isinstance(verdict, Verdict)
    assert isinstance(verdict, Succeed) == (isinstance(outcome, Returned) or outcome == Exited(0))
    assert isinstance(verdict, Expire) == isinstance(outcome, Expired)


@given(spec=specs, outcome=outcomes, now=moments, draw=draws, data=st.data())
def test_no_attempt_is_made_beyond_the_retries(
    spec: Spec, outcome: Outcome, now: datetime, draw: float, data: st.DataObject
) -> None:
    """`retries` allows that many attempts after the first, whatever happened."""
    attempt = data.draw(st.integers(spec.retries + 1, 1_000_000))
    verdict = decide(spec, attempt=attempt, losses=0, outcome=outcome, now=now, draw=draw)
    assert not isinstance(verdict, Retry)


@given(spec=specs, attempt=counts, outcome=outcomes, now=moments, draw=draws)
def test_no_retry_starts_early_or_after_the_job_expired(
    spec: Spec, attempt: int, outcome: Outcome, now: datetime, draw: float
) -> None:
    """A retry lies between now and `expires_at`."""
    verdict = decide(spec, attempt=attempt, losses=0, outcome=outcome, now=now, draw=draw)
    if isinstance(verdict, Retry):
        assert verdict.at >= now
        assert spec.expires_at is None or verdict.at < spec.expires_at


@given(outcome=retriable, retries=st.integers(0, 20))
def test_failing_job_runs_exactly_as_often_as_allowed(outcome: Outcome, retries: int) -> None:
    """A job that always fails has `retries` + 1 attempts and then fails for good."""
    spec = vary(retries=retries, retry_on="exit,signal,timeout,not_started,error", backoff="none")
    attempt = 1
    while isinstance(judge(spec, outcome, attempt=attempt), Retry):
        attempt += 1
    assert attempt == retries + 1
    assert isinstance(judge(spec, outcome, attempt=attempt), Fail)


@given(spec=specs, losses=counts)
def test_lost_job_is_given_back_until_it_was_lost_too_often(spec: Spec, losses: int) -> None:
    """A poison job can't walk through the fleet, and losses don't use up retries."""
    verdict = judge(spec, Lost("agent"), attempt=1_000_000, losses=losses)
    assert verdict == (Return() if losses <= spec.max_losses else Fail(Reason.LOST))


@given(spec=specs, attempt=counts, losses=counts)
def test_interrupted_job_is_given_back_without_counting(spec: Spec, attempt: int, losses: int) -> None:
    """Stopping an agent is never the job's fault."""
    assert judge(spec, Interrupted(), attempt=attempt, losses=losses) == Return()


@given(spec=specs)
def test_rejected_job_is_never_retried(spec: Spec) -> None:
    """A policy says no only once."""
    assert judge(spec, Rejected(FAILURE), attempt=0) == Fail(Reason.REJECTED)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Exited(3), Reason.EXIT),
        (Signalled(9), Reason.SIGNAL),
        (TimedOut(), Reason.TIMEOUT),
        (NotStarted(127, FAILURE), Reason.NOT_STARTED),
        (Raised(FAILURE), Reason.ERROR),
    ],
)
def test_failure_has_its_reason(outcome: Outcome, reason: Reason) -> None:
    """Each way to fail is told apart."""
    assert judge(vary(retries=0), outcome) == Fail(reason)


def test_missing_program_is_retried_only_where_the_user_names_it() -> None:
    """A typo in a command is not tried five times."""
    missing = NotStarted(127, FAILURE)
    assert judge(vary(retries=5), missing) == Fail(Reason.NOT_STARTED)
    assert judge(vary(retries=5, retry_on="1-125"), missing) == Fail(Reason.NOT_STARTED)
    assert isinstance(judge(vary(retries=5, retry_on="127"), missing), Retry)


def test_no_retry_on_wins_over_retry_on() -> None:
    """Where both name a failure, it is final."""
    spec = vary(retries=5, retry_on="1-10", no_retry_on="2")
    assert isinstance(judge(spec, Exited(1)), Retry)
    assert judge(spec, Exited(2)) == Fail(Reason.EXIT)
    assert judge(spec, Exited(11)) == Fail(Reason.EXIT)


def test_exception_is_retried_where_one_of_its_kinds_is_named() -> None:
    """Its own class, or one that it is derived from; other failures only where a code names them."""
    refused = Raised(FAILURE, ("ConnectionRefusedError", "ConnectionError", "OSError", "Exception", "BaseException"))
    spec = vary(retries=5, retry_on_errors=("ConnectionError", "shop.Busy"))
    assert isinstance(judge(spec, refused), Retry)
    assert isinstance(judge(spec, Raised(FAILURE, ("shop.Busy", "Exception", "BaseException"))), Retry)
    assert judge(spec, Raised(FAILURE, ("ValueError", "Exception", "BaseException"))) == Fail(Reason.ERROR)
    assert judge(spec, TimedOut()) == Fail(Reason.TIMEOUT)
    both = vary(retries=5, retry_on_errors=("ConnectionError",), retry_on="timeout")
    assert isinstance(judge(both, TimedOut()), Retry)
    assert isinstance(judge(both, refused), Retry)
    assert isinstance(judge(vary(retries=5), refused), Retry)


def test_exception_of_a_kind_that_is_named_as_final_is_final() -> None:
    """Also where its own class is named to be retried on."""
    missing = Raised(FAILURE, ("KeyError", "LookupError", "Exception", "BaseException"))
    assert judge(vary(retries=5, no_retry_on_errors=("LookupError",)), missing) == Fail(Reason.ERROR)
    spec = vary(retries=5, retry_on_errors=("KeyError",), no_retry_on_errors=("LookupError",))
    assert judge(spec, missing) == Fail(Reason.ERROR)
    assert isinstance(judge(vary(retries=5, no_retry_on_errors=("LookupError",)), TimedOut()), Retry)


def test_retry_waits_for_its_backoff() -> None:
    """The second retry of a doubling backoff comes after two seconds."""
    assert judge(vary(retries=5, backoff="exp:1s..5m"), Exited(1), attempt=2) == Retry(NOW + timedelta(seconds=2))


def test_retry_that_would_start_too_late_is_a_failure() -> None:
    """A job whose next start lies at or past its expiry fails with its own reason at once."""
    spec = vary(retries=5, backoff="fixed:10s", expires_at=NOW + timedelta(seconds=10))
    assert judge(spec, Exited(1)) == Fail(Reason.EXIT)
    later = vary(retries=5, backoff="fixed:10s", expires_at=NOW + timedelta(seconds=11))
    assert isinstance(judge(later, Exited(1)), Retry)
