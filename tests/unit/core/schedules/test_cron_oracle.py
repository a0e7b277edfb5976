"""Planned times of 10,000 random expressions in 20 zones, compared with two others' view of them.

- A walk through each minute of the days around changes of the clocks and a leap day (`walker`), for all three rules.
- cronsim 2.8, which follows Debian's cron, for the rule `once`; with 5 fields only, since with 6 it has another rule.

Where cronsim differs, crontab(5) and the walk say that it is wrong:

- `L-3` and `15W` are unknown to it, and `6-6/4` is `6-23/4`: such expressions are left out.
- Expressions that go by real time, with a `*`: it goes from one full hour to the next in steps of an hour, and so is
  late after a change of half an hour (Lord Howe); it starts a day at a midnight that does not exist (Havana); and it
  never ends where the clocks are put back at 0:01 (St John's, until 2011), so that it is not asked there.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError

from tests.unit.core.schedules.crons import ZONES, Matcher, random_expression
from tests.unit.core.schedules.walker import Window, windows
from tqcli.core.schedules.daylight import DAYLIGHT_RULES
from tqcli.core.schedules.rule import CronRule, last_until, planned_between

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(300)
EXPRESSIONS = 10_000
COUNT = 3
SIM_COUNT = 2
SIM_MAX = 500
"""It says a gap's end once for each minute of the gap."""

TICK = timedelta(microseconds=1)
FAR = datetime(2060, 1, 1, tzinfo=UTC)
"""cronsim gives up after 50 years."""


def samples(seed: int, *, seconds: bool) -> Iterator[tuple[str, str, Window]]:
    """Return expressions, each with a zone and the days of a change."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    for number in range(EXPRESSIONS):
        zone = ZONES[number % len(ZONES)]
        yield random_expression(random, seconds=seconds and number % 7 == 0), zone, random.choice(windows(zone))


def report(text: str) -> None:
    """Show a figure where output is shown (`pytest -rP`)."""
    sys.stdout.write(f"{text}\n")


def walk_differs(rule: CronRule, window: Window) -> tuple[object, ...] | None:
    """Return both views where they differ: the first planned times in the window, and its last one."""
    first, last = window.planned(Matcher(rule.expression), rule.dst, COUNT)
    ours = list(islice(planned_between(rule, window.start - TICK, window.end - TICK), COUNT))
    latest = last_until(rule, window.end - TICK)
    if ours == first and (latest in last if last else latest is None or latest < window.start):
        return None
    return rule, ours, first, latest, last


def test_walk_through_each_minute_agrees() -> None:
    """The first planned times of some days and the last are those that a walk through their minutes finds."""
    differences = []
    for number, (expression, zone, window) in enumerate(samples(4, seconds=True)):
        rule = CronRule(expression, zone, DAYLIGHT_RULES[number % len(DAYLIGHT_RULES)])
        differences.append(walk_differs(rule, window))
    wrong = [difference for difference in differences if difference is not None]
    report(f"walk: {EXPRESSIONS - len(wrong):,} of {EXPRESSIONS:,} expressions agree")
    assert wrong == []


def test_cronsim_agrees() -> None:
    """`once` is what Debian's cron does; where cronsim has another view, the walk is on our side."""
    agreed, unknown, wrong = 0, 0, []
    for expression, zone, window in samples(5, seconds=False):
        if zone == "America/St_Johns" and Matcher(expression).by_real_time:
            unknown += 1
            continue
        try:
            theirs = simulate(expression, zone, window.start)
        except CronSimError:
            unknown += 1
            continue
        rule = CronRule(expression, zone)
        if list(islice(planned_between(rule, window.start, FAR), SIM_COUNT)) == theirs:
            agreed += 1
        else:
            wrong.append((rule, window, theirs))
    report(f"cronsim: {agreed:,} of {agreed + len(wrong):,} expressions agree; it does not know {unknown:,}")
    assert [rule for rule, _, _ in wrong if not Matcher(rule.expression).by_real_time] == []
    assert [rule for rule, window, _ in wrong if walk_differs(rule, window) is not None] == []
    assert len(wrong) < agreed / 100


def simulate(expression: str, zone: str, start: datetime) -> list[datetime]:
    """Return the first two times after `start` as cronsim has them; what it says twice (in a gap), once."""
    found: list[datetime] = []
    for local in islice(CronSim(expression, start.astimezone(ZoneInfo(zone))), SIM_MAX):
        moment = local.astimezone(UTC)
        if len(found) == SIM_COUNT or moment >= FAR:
            break
        if moment > start and moment not in found:
            found.append(moment)
    return found
