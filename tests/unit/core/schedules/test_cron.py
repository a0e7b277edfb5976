"""Cron expressions: which days and times they match, and what is said of those that are none."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.schedules.crons import expressions, moments
from tqcli.core.schedules.cron import parse_cron
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 1, 1)  # noqa: DTZ001 - a local time


def matches(expression: str, start: datetime = START) -> Iterator[str]:
    """Return the matches from `start` on, to the second where the expression has seconds, else to the minute."""
    cron = parse_cron(expression)
    match = cron.at_or_after(start)
    while match is not None:
        yield match.isoformat(sep=" ", timespec="minutes" if cron.seconds == (0,) else "seconds")
        match = cron.at_or_after(match + timedelta(seconds=1))


def days(expression: str, start: datetime = START, count: int = 4) -> list[str]:
    """Return the dates of the first matches."""
    return [match[5:10] for match in islice(matches(expression, start), count)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 4 * * *", ["2026-01-01 04:30", "2026-01-02 04:30"]),
        ("*/20 * * * *", ["2026-01-01 00:00", "2026-01-01 00:20", "2026-01-01 00:40", "2026-01-01 01:00"]),
        ("5/20 * * * *", ["2026-01-01 00:05", "2026-01-01 00:25", "2026-01-01 00:45", "2026-01-01 01:05"]),
        ("10-30/10 3 * * *", ["2026-01-01 03:10", "2026-01-01 03:20", "2026-01-01 03:30", "2026-01-02 03:10"]),
        ("0 9-11,22 * * *", ["2026-01-01 09:00", "2026-01-01 10:00", "2026-01-01 11:00", "2026-01-01 22:00"]),
        ("*/25 0 4 * * *", ["2026-01-01 04:00:00", "2026-01-01 04:00:25", "2026-01-01 04:00:50"]),
        ("0 0 1 jan,JUL *", ["2026-01-01 00:00", "2026-07-01 00:00", "2027-01-01 00:00"]),
        ("0 0 * * Mon-fri", ["2026-01-01 00:00", "2026-01-02 00:00", "2026-01-05 00:00"]),
        ("  0\t0  1  *   *  ", ["2026-01-01 00:00", "2026-02-01 00:00"]),
        ("0 */24 * * *", ["2026-01-01 00:00", "2026-01-02 00:00"]),
        ("@hourly", ["2026-01-01 00:00", "2026-01-01 01:00"]),
        ("@daily", ["2026-01-01 00:00", "2026-01-02 00:00"]),
        ("@midnight", ["2026-01-01 00:00", "2026-01-02 00:00"]),
        ("@weekly", ["2026-01-04 00:00", "2026-01-11 00:00"]),
        ("@monthly", ["2026-01-01 00:00", "2026-02-01 00:00"]),
        ("@Yearly", ["2026-01-01 00:00", "2027-01-01 00:00"]),
        ("@annually", ["2026-01-01 00:00", "2027-01-01 00:00"]),
    ],
)
def test_expression_matches(expression: str, expected: list[str]) -> None:
    """Values, ranges, steps, lists, names and the short forms mean what crontab(5) says."""
    assert list(islice(matches(expression), len(expected))) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 13 * 5", ["01-02", "01-09", "01-13", "01-16"]),
        ("0 0 13 * *", ["01-13", "02-13", "03-13", "04-13"]),
        ("0 0 */2 * 1", ["01-05", "01-19", "02-09", "02-23"]),
        ("0 0 13 * */5", ["02-13", "03-13", "09-13", "11-13"]),
        ("0 0 1-7 * 1", ["01-01", "01-02", "01-03", "01-04"]),
        ("0 0 * * 0", ["01-04", "01-11", "01-18", "01-25"]),
        ("0 0 * * 7", ["01-04", "01-11", "01-18", "01-25"]),
        ("0 0 * * */7", ["01-04", "01-11", "01-18", "01-25"]),
        ("0 0 * * 6-7", ["01-03", "01-04", "01-10", "01-11"]),
        ("0 0 29 2 *", ["02-29"] * 4),
    ],
)
def test_day_fields_meet_as_in_crontab(expression: str, expected: list[str]) -> None:
    """Either day field is enough where both are restricted; a field that starts with * makes it both."""
    assert days(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 L * *", ["01-31", "02-28", "03-31", "04-30"]),
        ("0 0 L-3 * *", ["01-28", "02-25", "03-28", "04-27"]),
        ("0 0 L-30 * *", ["01-01", "03-01", "05-01", "07-01"]),
        ("0 0 15W * *", ["01-15", "02-16", "03-16", "04-15"]),
        ("0 0 1w * *", ["01-01", "02-02", "03-02", "04-01"]),
        ("0 0 31W * *", ["01-30", "03-31", "05-29", "07-31"]),
        ("0 0 LW * *", ["01-30", "02-27", "03-31", "04-30"]),
        ("0 0 1,L * *", ["01-01", "01-31", "02-01", "02-28"]),
        ("0 0 * * 5L", ["01-30", "02-27", "03-27", "04-24"]),
        ("0 0 * * sunL", ["01-25", "02-22", "03-29", "04-26"]),
        ("0 0 * * 7l", ["01-25", "02-22", "03-29", "04-26"]),
        ("0 0 * * 1#2", ["01-12", "02-09", "03-09", "04-13"]),
        ("0 0 * * thu#5", ["01-29", "04-30", "07-30", "10-29"]),
        ("0 0 * * 0#1,3", ["01-04", "01-07", "01-14", "01-21"]),
        ("0 0 L * 1#1", ["01-05", "01-31", "02-02", "02-28"]),
        ("0 0 31 * 1#5", ["01-31", "03-30", "03-31", "05-31"]),
        ("0 0 L 2 *", ["02-28", "02-28", "02-29", "02-28"]),
    ],
)
def test_day_is_named_by_its_place_in_the_month(expression: str, expected: list[str]) -> None:
    """L, W and # are computed anew for each month."""
    assert days(expression) == expected


def test_workday_stays_in_its_month() -> None:
    """The first, a Saturday, moves to Monday the third; the last, a Sunday, back to Friday."""
    assert days("0 0 1W 8 *", count=1) == ["08-03"]
    assert days("0 0 31W 5 *", count=1) == ["05-29"]


@pytest.mark.parametrize(
    ("expression", "said", "hint"),
    [
        ("5 25 * * *", "the hour field, at position 3: '25' is more than 23", "write 0-23, as in '30 4 * * *'"),
        ("60 * * * *", "the minute field, at position 1: '60' is more than 59", "write 0-59"),
        ("* 60 * * * *", "the minute field, at position 3: '60' is more than 59", "write 0-59"),
        ("99 * * * * *", "the second field, at position 1: '99' is more than 59", "as in '30 0 4 * * *'"),
        ("0 0 1,0 * *", "the day of month field, at position 7: '0' is less than 1", "write 1-31"),
        ("0  0 * 13 *", "the month field, at position 8: '13' is more than 12", "write 1-12 or jan-dec"),
        ("0 0 * * 8", "the day of week field, at position 9: '8' is more than 7", "write 0-7 or sun-sat"),
        ("0 0 * janu *", "the month field, at position 7: 'janu' is not a month", "did you mean 'jan'?"),
        ("0 0 * * monday", "the day of week field, at position 9: 'monday' is not", "did you mean 'mon'?"),
        ("* 22-2 * * *", "the hour field, at position 3: '22-2' runs backwards", "write 22-23,0-2"),
        ("0 0 * * fri-mon", "at position 9: 'fri-mon' runs backwards", "write fri-sat,sun-mon"),
        ("0 0 * * fri-sun", "at position 9: 'fri-sun' runs backwards", "write fri-sat,sun"),
        ("0 0 * * 5-1", "at position 9: '5-1' runs backwards", "write 5-6,0-1"),
        ("*/0 * * * *", "at position 3: the step '0' is less than 1", "write 0-59"),
        ("*/90 * * * *", "at position 3: the step '90' is more than the 60 values there are", "--every 90m"),
        ("1,,2 * * * *", "at position 3: there is a comma with nothing", "write 0-59"),
        ("5- * * * *", "at position 3: a value is missing", "write 0-59"),
        ("-5 * * * *", "at position 1: '-5' is not a value", "write 0-59"),
        ("1-2-3 * * * *", "at position 5: '1-2-3' has two ranges", "write 0-59"),
        ("*/2/3 * * * *", "at position 5: '*/2/3' has two steps", "write 0-59"),
        ("*5 * * * *", "at position 1: '*5' is not a minute", "write 0-59"),
        ("H * * * *", "at position 1: 'H' is not a minute", "write 0-59"),
        ("٣ * * * *", "at position 1: '٣' is not a minute", "write 0-59"),
        ("0 0 ? * *", "at position 5: '?' is not a day of month", "write 1-31"),
        ("0 0 32W * *", "at position 5: the day '32' is more than 31", "15W"),
        ("0 0 1-5W * *", "at position 5: the day '1-5' is not a number", "15W"),
        ("0 0 L-31 * *", "at position 7: the number after L- '31' is more than 30", "L for the last day"),
        ("0 0 * * L", "at position 9: 'L' names no weekday", "6L for the month's last one"),
        ("0 0 * * 1#6", "at position 11: the week after # '6' is more than 5", "1#2 or 5L"),
        ("0 0 * * #1", "at position 9: a value is missing", "1#2 or 5L"),
        ("0 0 * * 1#2#3", "at position 13: '1#2#3' has two #", "1#2 or 5L"),
        ("0 L * * *", "the hour field, at position 3: 'L' is not an hour", "write 0-23"),
        ("* * * *", "at position 8: the day of week field is missing", "as in '30 4 * * *'"),
        ("* * * * * * *", "at position 13: there is a field after the day of week", "six fields are the most"),
        ("", "is empty", "as in '30 4 * * *'"),
        (" \t", "is empty", "as in '30 4 * * *'"),
        ("@dayly", "at position 1: '@dayly' is not known", "did you mean '@daily'?"),
        ("@daily x", "at position 8: nothing may follow @daily", "'0 0 * * *'"),
        ("@every 5m", "is an interval", "--every 5m"),
        ("@reboot", "names no time", "init"),
    ],
)
def test_mistake_is_pointed_at(expression: str, said: str, hint: str) -> None:
    """The message names the field and the position, from 1; the hint shows how it is written."""
    with pytest.raises(InvalidInput) as caught:
        parse_cron(expression)
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "expression", ["0 0 31 2 *", "0 0 30-31 2 *", "0 0 31 4,6,9,11 *", "0 0 L-30 2 *", "0 0 31W 2,4 *"]
)
def test_what_never_matches_is_refused(expression: str) -> None:
    """Nobody waits for the 31st of February."""
    with pytest.raises(InvalidInput, match=r"never matches: none of its months has such a day"):
        parse_cron(expression)


@pytest.mark.parametrize("expression", ["0 0 31 2 1", "0 0 29 2 */7", "0 0 L-29 2,4 *", "0 0 * 2 1#5"])
def test_what_matches_seldom_is_kept(expression: str) -> None:
    """A rare day is not none: the fifth Monday of February comes with a leap day on a Monday."""
    assert parse_cron(expression).at_or_after(START) is not None


def test_novel_is_not_repeated() -> None:
    """A message stays short whatever was typed."""
    for text in ("1," * 400 + "x * * * *", "9" * 10_000, "x" * 10_000, "9" * 500 + " * * * *"):
        with pytest.raises(InvalidInput) as caught:
            parse_cron(text)
        assert len(caught.value.message) < 200


@given(text=st.text(alphabet="0123456789*/-,#LW@ janfrimony?\t\n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing else than the one error comes of it, and that with a hint."""
    hint: str | None = "none is needed"
    try:
        parse_cron(text)
    except InvalidInput as error:
        hint = error.hint
    assert hint


@given(expression=expressions, moment=moments)
def test_match_before_and_match_after_agree(expression: str, moment: datetime) -> None:
    """Forwards and backwards meet the same matches."""
    cron = parse_cron(expression)
    after = cron.at_or_after(moment)
    assert after is not None
    assert after >= moment
    assert cron.at_or_before(after) == after
    before = cron.at_or_before(after - timedelta(seconds=1))
    assert before is not None
    assert before < moment or before == after
    assert cron.at_or_after(before) == before
    assert cron.at_or_after(before + timedelta(seconds=1)) == after
