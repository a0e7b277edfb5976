"""How a process that stands for a job ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.core.exit_status import exit_status, worst
from tqcli.core.state import Reason, State


@pytest.mark.parametrize(
    ("state", "reason", "exit_code", "signal", "status"),
    [
        (State.SUCCEEDED, None, 0, None, 0),
        (State.SUCCEEDED, None, None, None, 0),
        (State.FAILED, Reason.EXIT, 1, None, 1),
        (State.FAILED, Reason.EXIT, 123, None, 123),
        (State.FAILED, Reason.EXIT, 255, None, 255),
        (State.FAILED, Reason.SIGNAL, None, 9, 137),
        (State.FAILED, Reason.SIGNAL, None, 15, 143),
        (State.FAILED, Reason.TIMEOUT, None, None, 124),
        (State.FAILED, Reason.TIMEOUT, None, 15, 124),
        (State.FAILED, Reason.NOT_STARTED, 127, None, 127),
        (State.FAILED, Reason.NOT_STARTED, None, None, 126),
        (State.FAILED, Reason.LOST, None, None, 75),
        (State.FAILED, Reason.REJECTED, None, None, 77),
        (State.FAILED, Reason.ERROR, None, None, 1),
        (State.CANCELLED, None, None, None, 130),
        (State.EXPIRED, None, None, None, 124),
    ],
)
def test_exit_code_tells_how_the_job_ended(
    state: State, reason: Reason | None, exit_code: int | None, signal: int | None, status: int
) -> None:
    """Scripts depend on these numbers."""
    assert exit_status(state, reason, exit_code, signal) == status


@given(
    state=st.sampled_from(State),
    reason=st.none() | st.sampled_from(Reason),
    exit_code=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(1, 64),
)
def test_only_success_exits_with_zero(
    state: State, reason: Reason | None, exit_code: int | None, signal: int | None
) -> None:
    """No record, however odd, makes a failed or unfinished job look done."""
    status = exit_status(state, reason, exit_code, signal)
    assert (status == 0) == (state is State.SUCCEEDED)
    assert 0 <= status <= 255


def test_worst_of_several_is_the_highest() -> None:
    """One failure among many shows; of none, nothing went wrong."""
    assert worst([0, 137, 1]) == 137
    assert worst([0, 0]) == 0
    assert worst([]) == 0
