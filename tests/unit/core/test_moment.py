"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.core.moment import parse_moment
from tqcli.errors import InvalidInput

NOW = datetime(2026, 11, 22, 19, 13, 5, 250_000, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-22T19:13:05.250000"),
        ("Now", "2026-11-22T19:13:05.250000"),
        ("21:30", "2026-11-22T20:30:00"),
        ("21:30:05", "2026-11-22T20:30:05"),
        ("today 21:30", "2026-11-22T20:30:00"),
        ("tomorrow 9:00", "2026-11-23T08:00:00"),
        ("Tomorrow  09:00:59", "2026-11-23T08:00:59"),
        ("2026-11-23", "2026-11-22T23:00:00"),
        ("2027-07-01", "2027-06-30T22:00:00"),
        ("2026-11-23 9:00", "2026-11-23T08:00:00"),
        ("2026-11-23T09:00:01.5", "2026-11-23T08:00:01.500000"),
        ("2026-11-23T09:00Z", "2026-11-23T09:00:00"),
        ("2026-11-23t09:00z", "2026-11-23T09:00:00"),
        ("2026-11-23 09:00+05:45", "2026-11-23T03:15:00"),
        ("2026-11-23T09:00-03", "2026-11-23T12:00:00"),
        ("20261123T090000Z", "2026-11-23T09:00:00"),
        ("2026-11-23T09:00:01.123456789Z", "2026-11-23T09:00:01.123456"),
        ("2026-W48-1", "2026-11-22T23:00:00"),
        (" 21:30 ", "2026-11-22T20:30:00"),
    ],
)
def test_time_is_read(text: str, expected: str) -> None:
    """It is what the clock of the zone will show, unless an offset is there."""
    moment = parse_moment(text, now=NOW, zone=BERLIN)
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("17:30", "'17:30' has passed: it meant 2026-11-22 17:30 UTC, 1h 43m ago", "write 'tomorrow 17:30'"),
        ("19:13:05", "it meant 2026-11-22 19:13:05 UTC, 250ms ago", "write 'tomorrow 19:13:05'"),
        ("today 9:00", "it meant 2026-11-22 09:00 UTC, 10h 13m ago", "write 'tomorrow 09:00'"),
        ("2026-11-22", "it meant 2026-11-22 00:00 UTC, 19h 13m ago", "'2026-11-22 23:30'"),
        ("2026-11-20T10:00+02:00", "it meant 2026-11-20 10:00 UTC+02:00, 2d 11h ago", "'tomorrow 9:00'"),
        ("1970-01-01", "it meant 1970-01-01 00:00 UTC", "'tomorrow 9:00'"),
    ],
)
def test_time_in_the_past_is_refused(text: str, said: str, hint: str) -> None:
    """The message says what it would have meant, and what comes next may be written."""
    with pytest.raises(InvalidInput) as caught:
        parse_moment(text, now=NOW, zone=UTC)
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")


def test_this_very_moment_has_not_passed() -> None:
    """What is printed to the second can be typed again at once."""
    now = NOW.replace(microsecond=0)
    assert parse_moment("19:13:05", now=now, zone=UTC) == now


def test_past_is_allowed_where_it_is_asked_for() -> None:
    """A stretch of time to look at lies in the past."""
    assert parse_moment("17:30", now=NOW, zone=UTC, past=True) == datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
    assert parse_moment("2020-02-29", now=NOW, zone=BERLIN, past=True) == datetime(2020, 2, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2027-03-28 02:30", "2027-03-28T02:00"])
def test_time_that_does_not_exist_is_refused(text: str) -> None:
    """Nobody guesses whether half past two means the hour before or after."""
    with pytest.raises(InvalidInput, match=r"clocks are put forward, and it meant 2027-03-28 03:.0 CEST") as caught:
        parse_moment(text, now=NOW, zone=BERLIN)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("write '2027-03-28 03:")


def test_time_that_comes_twice_is_the_first() -> None:
    """The second is written with its offset."""
    first = parse_moment("2027-10-31 02:30", now=NOW, zone=BERLIN)
    assert first == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert parse_moment("2027-10-31 02:30+01:00", now=NOW, zone=BERLIN) == first + timedelta(hours=1)
    second_round = datetime(2027, 10, 31, 1, 10, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="2:30' has passed: it meant 2027-10-31 02:30 CEST, 40m 00s ago"):
        parse_moment("2:30", now=second_round, zone=BERLIN)


def test_day_is_that_of_the_zone() -> None:
    """Where it is Monday already, today is Monday."""
    auckland = ZoneInfo("Pacific/Auckland")
    assert parse_moment("17:30", now=NOW, zone=auckland) == datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
    assert parse_moment("tomorrow 9:00", now=NOW, zone=auckland) == datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "17:30"),
        ("5m", "--in 5m"),
        ("1h30m", "--in 1h30m"),
        ("5:30pm", "0 to 23"),
        ("9 am", "0 to 23"),
        ("tomorow 9:00", "'tomorrow 9:00'"),
        ("tomorrow", "'tomorrow 9:00'"),
        ("noww", "'now'"),
        ("25:00", "17:30"),
        ("17:60", "17:30"),
        ("17.30", "17:30"),
        ("1764000000", "17:30"),
        ("2026-02-30", "17:30"),
        ("2026-13-01T10:00", "17:30"),
        ("2026-11-23T24:01", "17:30"),
        ("2026-11-23T10:00+25:00", "17:30"),
        ("9999-12-31T23:59-10:00", "17:30"),
        ("0001-01-01T00:00+10:00", "17:30"),
        ("22.11.2026", "17:30"),
        ("11/22/2026", "17:30"),
        ("17:30 tomorrow", "17:30"),
        ("١٧:٣٠", "17:30"),
        ("17:30\n18:30", "17:30"),
        ("x" * 10_000, "17:30"),
        ("1" * 10_000 + "m", "17:30"),
    ],
)
def test_what_is_no_time_is_refused(text: str, hint: str) -> None:
    """No guess is made; the hint has what may have been meant."""
    with pytest.raises(InvalidInput) as caught:
        parse_moment(text, now=NOW, zone=UTC)
    assert hint in (caught.value.hint or "")
    assert len(caught.value.message) < 200


zones = st.sampled_from([UTC, BERLIN, ZoneInfo("Asia/Kathmandu"), timezone(timedelta(hours=-9, minutes=-30))])


@given(moment=st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=zones))  # noqa: DTZ001 - with zones
def test_iso_time_is_read_back(moment: datetime) -> None:
    """What tq prints, it reads."""
    assert parse_moment(moment.isoformat(), now=NOW, zone=BERLIN, past=True) == moment.astimezone(UTC)


@given(text=st.text(alphabet="0123456789:-+TZtodaymrwn. \t", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing else than the one error comes of it."""
    try:
        moment = parse_moment(text, now=NOW, zone=BERLIN)
    except InvalidInput:
        return
    assert moment >= NOW
