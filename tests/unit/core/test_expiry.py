"""When a job is too late to start."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest

from tests.unit.core.examples import NOW, vary
from tqcli.core.expiry import MARGIN, WAITING, expire, is_late, until_late_s
from tqcli.core.job import describe
from tqcli.core.state import State

MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize("state", State)
def test_only_what_waits_is_ever_late(state: State) -> None:
    """What runs has started in time; what has ended keeps its end."""
    assert is_late(state, NOW - timedelta(days=1), NOW) == (state in WAITING)


@pytest.mark.parametrize(("now", "late"), [(NOW + MARGIN, False), (NOW + MARGIN + MOMENT, True)])
def test_time_is_the_whole_rule(now: datetime, *, late: bool) -> None:
    """With a margin for agents that started it just in time."""
    job = describe(vary(expires_at=NOW), None)
    assert (expire(job, now).state is State.EXPIRED) == late


def test_job_without_a_deadline_may_wait_for_ever() -> None:
    """And never needs a look for it."""
    assert until_late_s(State.QUEUED, None, NOW) == math.inf
    assert until_late_s(State.RUNNING, NOW, NOW) == math.inf
    assert until_late_s(State.QUEUED, NOW, NOW) == MARGIN.total_seconds()
