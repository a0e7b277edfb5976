"""When a schedule runs: planned times forwards and backwards, and what is no rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.schedules.crons import ZONES, expressions
from tqcli.core.schedules.daylight import DAYLIGHT_RULES, Daylight
from tqcli.core.schedules.rule import (
    AtRule,
    CronRule,
    EveryRule,
    Rule,
    check_rule,
    describe_rule,
    last_until,
    next_after,
    planned_between,
)
from tqcli.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)

instants = st.builds(lambda seconds: EPOCH + timedelta(seconds=seconds), st.floats(6e8, 3.8e9)) | st.builds(
    lambda seconds: EPOCH + timedelta(seconds=seconds), st.integers(600_000_000, 3_800_000_000)
)
cron_rules = st.builds(CronRule, expressions, st.sampled_from(ZONES), st.sampled_from(DAYLIGHT_RULES))
every_rules = st.builds(EveryRule, st.timedeltas(SECOND, timedelta(days=400)), instants)
rules = cron_rules | every_rules | st.builds(AtRule, instants)


def planned(rule: Rule, start: datetime, count: int = 4) -> list[str]:
    """Return the first planned times from `start` on."""
    found = planned_between(rule, start - TICK, start + 36_500 * DAY)
    return [f"{moment:%m-%d %H:%M}" for moment in islice(found, count)]


@pytest.mark.parametrize(
    ("expression", "dst", "march", "october"),
    [
        ("30 2 * * *", "once", ["01:30", "01:00", "00:30"], ["00:30", "00:30", "01:30"]),
        ("30 2 * * *", "skip", ["01:30", "00:30"], ["00:30", "00:30", "01:30"]),
        ("30 2 * * *", "both", ["01:30", "00:30"], ["00:30", "00:30", "01:30", "01:30"]),
        ("0 3 * * *", "once", ["02:00", "01:00", "01:00"], ["01:00", "02:00", "02:00"]),
        ("0 2,3 * * *", "once", ["01:00", "02:00", "01:00", "00:00", "01:00"], ["00:00", "01:00", "00:00", "02:00"]),
        ("0-59/20 2 * * *", "once", ["01:00", "01:20", "01:40", "01:00", "00:00"], ["00:00", "00:20", "00:40"] * 2),
        ("*/30 2 * * *", "once", ["01:00", "01:30", "00:00"], ["00:00", "00:30"] * 2 + ["01:00", "01:30"] * 2),
        ("30 */2 * * *", "skip", ["23:30", "02:30", "04:30"], ["22:30", "00:30", "01:30"]),
    ],
)
def test_daylight_saving_rule_decides(expression: str, dst: Daylight, march: list[str], october: list[str]) -> None:
    """On 29 March 2026 in Berlin 2:00 is 3:00; on 25 October 3:00 is 2:00 again."""
    rule = CronRule(expression, "Europe/Berlin", dst)
    for expected, first in (
        (march, datetime(2026, 3, 27, 23, tzinfo=UTC)),
        (october, datetime(2026, 10, 23, 22, tzinfo=UTC)),
    ):
        start = first if expression != "30 */2 * * *" else first + DAY
        assert [text[6:] for text in planned(rule, start, len(expected))] == expected


@pytest.mark.parametrize("dst", DAYLIGHT_RULES)
def test_expression_with_a_star_goes_by_real_time(dst: Daylight) -> None:
    """Nothing extra and nothing left out: 23 hours in March, 25 in October."""
    rule = CronRule("0 * * * *", "Europe/Berlin", dst)
    for first in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        hours = [first + timedelta(hours=count) for count in range(1, 25)]
        assert list(planned_between(rule, first, first + DAY)) == hours


@pytest.mark.parametrize(
    ("zone", "expression", "start", "expected"),
    [
        # Lord Howe: half an hour, at 2:00 on both days.
        ("Australia/Lord_Howe", "15 2 * * *", datetime(2026, 10, 3, tzinfo=UTC), ["10-03 15:30", "10-04 15:15"]),
        ("Australia/Lord_Howe", "45 1 * * *", datetime(2026, 4, 4, tzinfo=UTC), ["04-04 14:45", "04-05 15:15"]),
        # Santiago: midnight does not exist on 6 September.
        ("America/Santiago", "0 0 * * *", datetime(2026, 9, 5, 12, tzinfo=UTC), ["09-06 04:00", "09-07 03:00"]),
        # Havana: midnight comes twice on 1 November.
        ("America/Havana", "0 0 * * *", datetime(2026, 10, 31, 12, tzinfo=UTC), ["11-01 04:00", "11-02 05:00"]),
        # St John's, until 2011: at 0:01 it was 23:01 of the day before.
        ("America/St_Johns", "30 23 * * *", datetime(2010, 11, 6, 12, tzinfo=UTC), ["11-07 02:00", "11-08 03:00"]),
        # Apia left out 30 December 2011.
        (
            "Pacific/Apia",
            "0 12 * * *",
            datetime(2011, 12, 29, 12, tzinfo=UTC),
            ["12-29 22:00", "12-30 10:00", "12-30 22:00"],
        ),
        # Kathmandu is 5:45 from UTC.
        ("Asia/Kathmandu", "0 0 * * *", datetime(2026, 1, 1, tzinfo=UTC), ["01-01 18:15", "01-02 18:15"]),
    ],
)
def test_odd_zone_is_right(zone: str, expression: str, start: datetime, expected: list[str]) -> None:
    """Changes of other lengths, at midnight, over a whole day."""
    assert planned(CronRule(expression, zone), start, len(expected)) == expected


@pytest.mark.parametrize(("dst", "day"), [("once", 26), ("skip", 26), ("both", 25)])
def test_search_may_begin_in_the_repeated_hour(dst: Daylight, day: int) -> None:
    """At the second 2:10 of 25 October in Berlin, 2:30 has been; what a search has not seen counts all the same."""
    rule = CronRule("30 2 * * *", "Europe/Berlin", dst)
    moment = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert next_after(rule, moment) == datetime(2026, 10, day, 1, 30, tzinfo=UTC)
    assert last_until(rule, moment) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_expression_that_only_daylight_saving_matches_ends() -> None:
    """2:30 on the last Sunday of March does not exist in Berlin: at the end of the gap, or never."""
    never = "30 2 25-31 3 */7"
    assert planned(CronRule(never, "Europe/Berlin"), NOON, 2) == ["03-28 01:00", "03-26 01:00"]
    assert next_after(CronRule(never, "Europe/Berlin", "skip"), NOON) is None
    assert next_after(CronRule(never, "Europe/Berlin", "both"), NOON) is None


def test_interval_counts_from_its_start() -> None:
    """The first time is one interval after the start, and all others follow from it."""
    rule = EveryRule(timedelta(minutes=90), NOON)
    assert planned(rule, NOON - DAY) == ["11-22 13:30", "11-22 15:00", "11-22 16:30", "11-22 18:00"]
    assert last_until(rule, NOON + timedelta(minutes=89)) is None
    assert last_until(rule, NOON + timedelta(minutes=181)) == NOON + timedelta(minutes=180)


def test_one_time_is_planned_once() -> None:
    """It is next until it is there, and last from then on."""
    rule = AtRule(NOON)
    assert next_after(rule, NOON - TICK) == NOON
    assert next_after(rule, NOON) is None
    assert last_until(rule, NOON) == NOON
    assert last_until(rule, NOON - TICK) is None
    assert list(planned_between(rule, NOON - DAY, NOON + DAY)) == [NOON]


def test_end_of_time_is_the_end() -> None:
    """Where no date is left, there is no next time."""
    late = datetime(9999, 12, 31, tzinfo=UTC)
    assert next_after(CronRule("* * * * *"), late) is None
    assert next_after(EveryRule(timedelta(days=36_500), late), late) is None
    assert last_until(CronRule("0 0 1 1 *"), datetime(1, 1, 1, tzinfo=UTC)) is None


@given(rule=rules, moment=instants)
def test_next_and_last_agree(rule: Rule, moment: datetime) -> None:
    """Between the last planned time and the next there is none."""
    following = next_after(rule, moment)
    previous = last_until(rule, moment)
    if following is not None:
        assert following > moment
        assert following.utcoffset() == timedelta(0)
        assert last_until(rule, following) == following
        assert last_until(rule, following - TICK) == previous
    if previous is not None:
        assert previous <= moment
        assert next_after(rule, previous) == following
        assert next_after(rule, previous - TICK) == previous


@given(rule=rules, moment=instants, count=st.integers(1, 12))
def test_planned_times_are_the_next_ones(rule: Rule, moment: datetime, count: int) -> None:
    """All of a stretch are what one after the other gives, its end included."""
    expected: list[datetime] = []
    following = next_after(rule, moment)
    while following is not None and len(expected) < count:
        expected.append(following)
        following = next_after(rule, following)
    until = expected[-1] if expected else moment + DAY
    assert list(planned_between(rule, moment, until)) == expected


@given(rule=cron_rules.filter(lambda rule: rule.expression.split()[-5:-3] != ["*", "*"]), moment=instants)
def test_rules_differ_as_promised(rule: CronRule, moment: datetime) -> None:
    """`both` has all that `skip` has; `once` adds only ends of gaps to what `skip` has."""
    until = moment + 3 * DAY
    once, skip, both = (
        list(islice(planned_between(msgspec.structs.replace(rule, dst=dst), moment, until), 500))
        for dst in DAYLIGHT_RULES
    )
    if max(len(once), len(skip), len(both)) < 500:
        assert set(skip) <= set(both)
        assert set(skip) <= set(once)


@given(rule=rules)
def test_rule_is_checked_and_survives_the_wire(rule: Rule) -> None:
    """What is right passes, and is the same after it was stored."""
    check_rule(rule)
    assert msgspec.json.decode(msgspec.json.encode(rule), type=CronRule | EveryRule | AtRule) == rule
    assert describe_rule(rule)


@pytest.mark.parametrize(
    ("rule", "said", "hint"),
    [
        (CronRule("0 25 * * *"), "the hour field", "0-23"),
        (CronRule("0 4 * * *", "Europe/Berln"), "no time zone 'Europe/Berln'", "'Europe/Berlin'"),
        (CronRule("0 4 * * *", dst="onec"), "'onec' is no rule", "'once'"),  # type: ignore[arg-type]
        (EveryRule(timedelta(milliseconds=500), NOON), "the interval is 500ms, less than a second", "1s"),
        (EveryRule(timedelta(0), NOON), "the interval is nothing", "1s"),
        (EveryRule(timedelta(seconds=-5), NOON), "the interval is nothing", "1s"),
        (EveryRule(timedelta(days=40_000), NOON), "longer than 36500d", "--at"),
        (AtRule(datetime(2026, 1, 1)), "has no zone", "Z"),  # noqa: DTZ001 - that is the mistake
    ],
)
def test_what_is_no_rule_is_refused(rule: Rule, said: str, hint: str) -> None:
    """The message says which part is wrong."""
    with pytest.raises(InvalidInput) as caught:
        check_rule(rule)
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        (CronRule("30 4 * * *", "Europe/Berlin"), "30 4 * * * Europe/Berlin"),
        (CronRule("@daily"), "@daily UTC"),
        (EveryRule(timedelta(minutes=5), NOON), "every 5m"),
        (AtRule(NOON), "at 2026-11-22T12:00:00Z"),
    ],
)
def test_rule_is_described(rule: Rule, shown: str) -> None:
    """A list shows it as its user wrote it."""
    assert describe_rule(rule) == shown


def test_unknown_field_is_refused() -> None:
    """A stored rule of a newer tq is not half understood."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"kind":"cron","expression":"@daily","zone":"UTC"}', type=CronRule | EveryRule | AtRule)
