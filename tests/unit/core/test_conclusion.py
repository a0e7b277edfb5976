"""The record that follows an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tqcli.core.claim import Claim
from tqcli.core.conclusion import conclude, count_ended
from tqcli.core.outcome import Exited, Expired, Failure, Interrupted, Lost, Raised, Returned, Signalled
from tqcli.core.record import Record, queued, start
from tqcli.core.state import Reason, State
from tqcli.core.verdict import Expire, Fail, Retry, Return, Succeed
from tqcli.errors import Conflict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)


def running(agent: str = "a", last: Record | None = None) -> Record:
    """Return the record of a job whose next attempt has begun."""
    return start(last or queued(b"{}"), agent=agent, claim="1.x", now=NOW)


def test_success_ends_the_job_and_its_attempt() -> None:
    """Exit 0 is final, with its times and code."""
    record = conclude(running(), Exited(0), Succeed(), now=LATER)
    assert (record.state, record.exit_code, record.finished_at) == (State.SUCCEEDED, 0, LATER)
    assert (record.attempts[-1].ended, record.attempts[-1].finished_at) == ("succeeded", LATER)
    assert record.claim is None


def test_a_returned_value_is_the_result() -> None:
    """What a Python function returned is kept as it came."""
    record = conclude(running(), Returned(msgspec.Raw(b'{"a":1}')), Succeed(), now=LATER)
    assert record.result is not None
    assert bytes(record.result) == b'{"a":1}'


def test_failure_keeps_its_reason_and_words() -> None:
    """An exception's type and message are in the record and in the attempt."""
    failure = Failure("ValueError", "no")
    record = conclude(running(), Raised(failure), Fail(Reason.ERROR), now=LATER)
    assert (record.state, record.reason, record.error) == (State.FAILED, Reason.ERROR, failure)
    assert record.attempts[-1].error == failure


def test_a_retry_waits_and_its_attempt_counts() -> None:
    """The job waits until its time; the failed attempt stays in the history."""
    record = conclude(running(), Signalled(9), Retry(LATER), now=NOW)
    assert (record.state, record.retry_at, record.counted, record.finished_at) == (State.RETRYING, LATER, 1, None)
    assert record.attempts[-1].signal == 9


def test_an_interrupted_attempt_does_not_count() -> None:
    """The agent's stop is not the job's failure."""
    record = conclude(running(), Interrupted(), Return(), now=LATER)
    assert (record.state, record.attempt, record.interruptions, record.counted) == (State.QUEUED, 1, 1, 0)


def test_a_job_lost_too_often_names_its_agents() -> None:
    """The final record says which agents went silent."""
    once = count_ended(running("a"), Lost("a"), now=LATER)
    record = conclude(running("b", once), Lost("b"), Fail(Reason.LOST), now=LATER)
    assert (record.state, record.reason, record.losses) == (State.FAILED, Reason.LOST, 2)
    assert record.error is not None
    assert "a, b" in record.error.message


def test_an_expired_job_has_no_attempt() -> None:
    """A job that was too late to start has run nowhere."""
    record = conclude(queued(b"{}"), Expired(), Expire(), now=LATER)
    assert (record.state, record.attempts) == (State.EXPIRED, ())


def test_a_final_record_stays_as_it_is() -> None:
    """No outcome leads out of a final state."""
    final = conclude(running(), Exited(0), Succeed(), now=LATER)
    with pytest.raises(Conflict):
        conclude(final, Exited(1), Fail(Reason.EXIT), now=LATER)


@pytest.mark.parametrize("text", ["17.ab3f", "1.0"])
def test_a_claim_reads_what_it_wrote(text: str) -> None:
    """Claims survive the record."""
    assert str(Claim.parse(text)) == text


def test_an_odd_claim_names_no_message() -> None:
    """Sequence 0 is never a message's."""
    assert Claim.parse("nonsense").sequence == 0
