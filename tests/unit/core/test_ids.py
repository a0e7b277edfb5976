"""Ids of groups and jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.examples import moments
from tqcli.core.ids import JobId, is_group_id, make_group_id, parse_job_id, submitted_at
from tqcli.errors import InvalidInput

bits = st.integers(0, 2**40 - 1)


@given(now=moments, chance=bits)
def test_group_id_holds_its_moment(now: datetime, chance: int) -> None:
    """The moment comes back to the millisecond, and the id has the form of one."""
    group = make_group_id(now, chance)
    assert is_group_id(group)
    assert timedelta(0) <= now - submitted_at(group) < timedelta(milliseconds=1)


@given(one=st.tuples(moments, bits), other=st.tuples(moments, bits))
def test_group_ids_sort_by_time(one: tuple[datetime, int], other: tuple[datetime, int]) -> None:
    """The later of two jobs has the greater id."""
    earlier, later = sorted([one, other])
    assert make_group_id(*earlier)[:8] <= make_group_id(*later)[:8]


@given(now=moments, one=bits, other=bits)
def test_all_chance_is_kept(now: datetime, one: int, other: int) -> None:
    """Different random bits make different ids within one millisecond."""
    assert (make_group_id(now, one) == make_group_id(now, other)) == (one == other)


@given(now=moments, chance=bits, index=st.none() | st.integers(0, 999_999_999))
def test_job_id_is_read_back_as_written(now: datetime, chance: int, index: int | None) -> None:
    """What tq prints, in either case, is what it reads."""
    job = JobId(make_group_id(now, chance), index)
    assert parse_job_id(str(job)) == job
    assert parse_job_id(str(job).upper()) == job


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@last",
        "1xkbbg00a7c3k9m",
        "1xkbbg00a7c3k9mff",
        "1xkbbg00a7c3k9mf.",
        "1xkbbg00a7c3k9mf.01",
        "1xkbbg00a7c3k9mf.-1",
        "1xkbbg00a7c3k9mf.1.2",
        "1xkbbg00a7c3k9mf.1234567890",
        "1xkbbg00a7c3k9mf\n",
        "ilouilouilouilou",
        "1xkbbg00a7c3k9mf.١",
        "*.>",
        "x" * 10_000,
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    """The message shows a short piece of it and says where ids are found."""
    with pytest.raises(InvalidInput, match="is not a job id") as caught:
        parse_job_id(text)
    assert len(caught.value.message) < 80
    assert "tq ls" in (caught.value.hint or "")


def test_ids_reach_beyond_the_next_decades() -> None:
    """The 40 bits of time last into 2058."""
    last = datetime(2058, 10, 1, tzinfo=UTC)
    assert submitted_at(make_group_id(last, 0)) == last
