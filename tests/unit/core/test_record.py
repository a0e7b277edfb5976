"""Records: each the next after the last."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.examples import FAILURE, NOW, PLAIN
from tqcli.core.codec import decode_record, decode_spec, encode
from tqcli.core.record import ATTEMPTS_KEPT, Output, Record, become, end_attempt, queued, start
from tqcli.core.state import FINAL, MOVES, Reason, State
from tqcli.errors import Conflict

SPEC = encode(PLAIN)


def in_state(state: State) -> Record:
    """Return a record in this state, with a history."""
    running = start(queued(SPEC), agent="left", claim="c1", now=NOW)
    return msgspec.structs.replace(running, state=state)


@given(old=st.sampled_from(State), new=st.sampled_from(State))
def test_illegal_move_leaves_the_record_unchanged(old: State, new: State) -> None:
    """A refused move has no trace: the record's bytes stay as they were."""
    record = in_state(old)
    before = encode(record)
    if new in MOVES[old]:
        assert become(record, new).state is new
    else:
        with pytest.raises(Conflict):
            become(record, new, reason=Reason.EXIT)
    assert encode(record) == before


@pytest.mark.parametrize("state", sorted(FINAL))
def test_finished_job_does_not_start_again(state: State) -> None:
    """At least once to run, exactly once to finish."""
    record = in_state(state)
    before = encode(record)
    with pytest.raises(Conflict):
        start(record, agent="right", claim="c2", now=NOW)
    assert encode(record) == before


def test_start_forgets_how_the_attempt_before_ended() -> None:
    """Only the list of attempts remembers the past."""
    failed = end_attempt(start(queued(SPEC), agent="left", claim="c1", now=NOW), ended="exit", exit_code=3)
    waiting = become(failed, State.RETRYING, reason=Reason.EXIT, exit_code=3, error=FAILURE, retry_at=NOW)
    again = start(waiting, agent="right", claim="c2", now=NOW + timedelta(seconds=1))
    assert (again.attempt, again.claim, again.agent) == (2, "c2", "right")
    assert (again.reason, again.exit_code, again.error, again.retry_at) == (None, None, None, None)
    assert [attempt.exit_code for attempt in again.attempts] == [3, None]


def test_leaving_the_running_state_ends_the_claim() -> None:
    """Nobody holds a job that does not run."""
    running = start(queued(SPEC), agent="left", claim="c1", now=NOW)
    for state in set(State) & MOVES[State.RUNNING]:
        assert become(running, state).claim is None


def test_long_history_keeps_its_newest_attempts_and_true_counts() -> None:
    """A job retried a thousand times has a record of bounded size."""
    record = queued(SPEC)
    for _ in range(ATTEMPTS_KEPT + 5):
        record = become(start(record, agent="left", claim="c", now=NOW), State.RETRYING)
    assert record.attempt == ATTEMPTS_KEPT + 5
    assert [attempt.number for attempt in record.attempts] == list(range(6, ATTEMPTS_KEPT + 6))


def test_record_round_trips_with_its_spec() -> None:
    """A finished job can be run again: its record holds the spec's very bytes."""
    record = become(
        end_attempt(start(queued(SPEC), agent="left", claim="c1", now=NOW), ended="succeeded", finished_at=NOW),
        State.SUCCEEDED,
        exit_code=0,
        result=msgspec.Raw(b'{"rows": [1, 2]}'),
        output=Output(stdout=5),
        finished_at=NOW,
    )
    again = decode_record(encode(record))
    assert encode(again) == encode(record)
    assert bytes(again.spec) == SPEC
    assert decode_spec(bytes(again.spec)) == PLAIN
