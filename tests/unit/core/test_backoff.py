"""Backoffs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.examples import backoffs, draws
from tqcli.core.backoff import parse_backoff
from tqcli.errors import InvalidInput

MIDDLE = 0.5


def test_exponential_doubles_up_to_its_cap() -> None:
    """Undisturbed by chance, each wait is twice the last until the cap."""
    backoff = parse_backoff("exp:1s..10s")
    waits = [backoff.delay(retry, MIDDLE).total_seconds() for retry in range(1, 7)]
    assert waits == [1, 2, 4, 8, 10, 10]


def test_fixed_and_none_know_no_chance() -> None:
    """A fixed wait is that wait; none is none."""
    for draw in (0.0, MIDDLE, 0.999):
        assert parse_backoff("fixed:10s").delay(9, draw) == timedelta(seconds=10)
        assert parse_backoff("none").delay(9, draw) == timedelta(0)


@given(text=backoffs, retry=st.integers(-5, 10**9), draw=draws)
def test_wait_is_never_above_the_cap(text: str, retry: int, draw: float) -> None:
    """Neither chance nor a billion retries lift a wait over its cap."""
    backoff = parse_backoff(text)
    assert timedelta(0) <= backoff.delay(retry, draw) <= backoff.cap


@given(retry=st.integers(1, 20), draw=draws)
def test_chance_spreads_by_a_quarter(retry: int, draw: float) -> None:
    """Jobs that failed together come back within ±25 % of the plain wait."""
    backoff = parse_backoff("exp:1s..365d")
    plain = backoff.delay(retry, MIDDLE)
    assert plain * 0.75 <= backoff.delay(retry, draw) <= plain * 1.25
    assert backoff.delay(retry, 0.0) == plain * 0.75


@pytest.mark.parametrize(
    "text",
    ["", "exp", "exp:1s", "exp:..", "exp:0s..5m", "exp:5m..1s", "fixed", "fixed:", "fixed:10", "none:1s", "lin:1s"],
)
def test_what_is_no_backoff_is_refused(text: str) -> None:
    """The hint shows the forms."""
    with pytest.raises(InvalidInput) as caught:
        parse_backoff(text)
    assert caught.value.hint
