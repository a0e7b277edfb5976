"""When a job is too early to start, and when too late."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import msgspec
import pytest

from tests.unit.core.examples import NOW, vary
from tqcli.core.expiry import MARGIN, WAITING, as_of, is_late, until_late_s
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
    assert (as_of(job, now).state is State.EXPIRED) == late


def test_job_without_a_deadline_may_wait_for_ever() -> None:
    """And never needs a look for it."""
    assert until_late_s(State.QUEUED, None, NOW) == math.inf
    assert until_late_s(State.RUNNING, NOW, NOW) == math.inf
    assert until_late_s(State.QUEUED, NOW, NOW) == MARGIN.total_seconds()


@pytest.mark.parametrize(("now", "state"), [(NOW - MOMENT, State.SCHEDULED), (NOW, State.QUEUED)])
def test_job_is_scheduled_until_its_time(now: datetime, state: State) -> None:
    """Nobody writes that down, so nobody has to be there when it ends."""
    assert as_of(describe(vary(not_before=NOW), None), now).state is state


def test_job_that_started_is_early_no_more() -> None:
    """Its time had come, by the clock of whoever started it."""
    job = describe(vary(not_before=NOW), None)
    for fields in ({"attempt": 1}, {"state": State.RUNNING}, {"state": State.CANCELLED}):
        began = msgspec.structs.replace(job, **fields)
        assert as_of(began, NOW - MOMENT) == began


def test_late_is_more_than_early() -> None:
    """Whatever a spec from elsewhere says: a job that nobody will start has ended."""
    job = describe(vary(not_before=NOW + timedelta(days=1), expires_at=NOW), None)
    assert as_of(job, NOW + timedelta(hours=1)).state is State.EXPIRED
