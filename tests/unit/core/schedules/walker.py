"""Walks through each minute of a few days in a zone, and says when an expression is planned: slow, and obvious."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tests.unit.core.schedules.crons import Matcher
    from tqcli.core.schedules.daylight import Daylight

MINUTE = timedelta(minutes=1)
SPAN = timedelta(days=2)
YEAR = 2010
"""When most of the zones had daylight saving, and several at odd times."""


class Window:
    """Two days of a zone, from `start` on."""

    def __init__(self, zone: str, start: datetime) -> None:
        """Walk through them."""
        self.start = start
        self.end = start + SPAN
        # By the local clock: day, hour, and then each minute with its instant, and whether it is the first such one,
        # comes again, or lies in a gap; then the instant is the end of the gap.
        self._clock: dict[date, dict[int, list[tuple[int, datetime, str]]]] = defaultdict(lambda: defaultdict(list))
        for local, instant, kind in self._walk(ZoneInfo(zone)):
            self._clock[local.date()][local.hour].append((local.minute, instant, kind))

    def planned(self, match: Matcher, rule: Daylight, count: int) -> tuple[list[datetime], list[datetime]]:
        """Return the first `count` planned instants within the window, in order, and the last one."""
        kinds = {"first", "again"} if match.by_real_time or rule == "both" else {"first"}
        if rule == "once" and not match.by_real_time:
            kinds.add("gap")
        minutes = sorted(
            (instant, kind)
            for hours in (hours for day, hours in self._clock.items() if match.day(day))
            for minute, instant, kind in chain.from_iterable(hours.get(hour, ()) for hour in match.hours)
            if minute in match.minutes and kind in kinds
        )
        return _seconds(minutes[: 60 * count], match)[:count], _seconds(minutes[-2:], match)[-1:]

    def _walk(self, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, str]]:
        """Yield each minute of the clock, and at each gap the minutes that were left out."""
        before: datetime | None = None
        instant = self.start
        while instant < self.end:
            local = instant.astimezone(zone)
            shown = local.replace(tzinfo=None, fold=0)
            if before is not None:
                for left_out in range(1, (shown - before) // MINUTE):
                    yield before + left_out * MINUTE, instant, "gap"
            yield shown, instant, "again" if local.fold else "first"
            before = shown
            instant += MINUTE


def _seconds(minutes: list[tuple[datetime, str]], match: Matcher) -> list[datetime]:
    """Return the instants within these minutes; a gap of any length ends at one instant."""
    found: set[datetime] = set()
    for instant, kind in minutes:
        found.update(instant + timedelta(seconds=second) for second in ({0} if kind == "gap" else match.seconds))
    return sorted(found)


@cache
def windows(zone: str) -> list[Window]:
    """Return the days around each change of the zone's clocks in `YEAR`, and around a leap day."""
    starts = [datetime(2024, 2, 28, tzinfo=UTC)]
    info = ZoneInfo(zone)
    day = datetime(YEAR, 1, 1, tzinfo=UTC)
    while day.year == YEAR:
        if day.astimezone(info).utcoffset() != (day + SPAN / 2).astimezone(info).utcoffset():
            starts.append(day - SPAN / 4)
        day += SPAN / 2
    return [Window(zone, start) for start in starts]
