"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given

from tests.unit.core.examples import durations
from tqcli.core.duration import format_duration, humanize, parse_duration
from tqcli.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1.5s", 1.5),
        ("500ms", 0.5),
        ("0s", 0),
        ("0.5h", 1800),
        ("1d1h1m1s1ms", 90_061.001),
        ("36500d", 3_153_600_000),
    ],
)
def test_duration_is_read(text: str, seconds: float) -> None:
    """Each unit counts, alone or in order."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-5s",
        "5 m",
        "5M",
        "5w",
        "1m1h",
        "5m5m",
        "s",
        ".5s",
        "1e3s",
        "inf",
        "٣s",
        "5s\n",
        "0.0000001s",
        "36501d",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """No guess is made, and nothing overflows."""
    with pytest.raises(InvalidInput) as caught:
        parse_duration(text)
    assert caught.value.hint


def test_bare_number_is_asked_for_its_unit() -> None:
    """Nobody waits 90 minutes where seconds were meant."""
    with pytest.raises(InvalidInput, match="'90' has no unit") as caught:
        parse_duration("90")
    assert caught.value.hint == "write 90s for seconds, 90m for minutes"


def test_novel_is_not_repeated() -> None:
    """A message stays short whatever was typed."""
    for text in ("9" * 10_000, "9" * 10_000 + "d", "x" * 10_000):
        with pytest.raises(InvalidInput) as caught:
            parse_duration(text)
        assert len(caught.value.message) + len(caught.value.hint or "") < 160


@given(duration=durations)
def test_duration_is_read_back_exactly(duration: timedelta) -> None:
    """The written form loses nothing."""
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("text", ["0s", "90ms", "1.5s", "5m", "1h30m", "2d", "1h5s", "1d0.5s", "0.001ms"])
def test_short_form_is_kept(text: str) -> None:
    """What people write is what they see again."""
    assert format_duration(parse_duration(text)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0s", "0ms"),
        ("999ms", "999ms"),
        ("9.99s", "9.9s"),
        ("59.9s", "59s"),
        ("60s", "1m 00s"),
        ("3599s", "59m 59s"),
        ("3600s", "1h 00m"),
        ("86399s", "23h 59m"),
        ("1d", "1d 00h"),
    ],
)
def test_reader_sees_two_units(text: str, shown: str) -> None:
    """The form for people is short and rounds down."""
    assert humanize(parse_duration(text)) == shown


def test_clock_that_went_back_shows_nothing() -> None:
    """A negative elapsed time is no time."""
    assert humanize(timedelta(seconds=-5)) == "0ms"
