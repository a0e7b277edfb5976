"""The days that a cron expression names by what they are in their month: the last one, the second Monday."""

from __future__ import annotations

import msgspec

_SATURDAY, _SUNDAY = 6, 7
_WEEK = 7


class Month(msgspec.Struct, frozen=True):
    """A month as a calendar shows it: its first day's weekday (1 is Monday, 7 is Sunday), and how many days it has."""

    first: int
    days: int

    def weekday(self, day: int) -> int:
        """Return the weekday of `day`.

        >>> Month(first=7, days=30).weekday(2)
        1
        """
        return (self.first + day - 2) % _WEEK + 1


class LastDay(msgspec.Struct, frozen=True):
    """`L`, the last day; `L-3` is the third day before it."""

    before: int

    def find(self, month: Month) -> int | None:
        """Return the day, or None where the month has none such."""
        day = month.days - self.before
        return day if day > 0 else None


class NearestWorkday(msgspec.Struct, frozen=True):
    """`15W`: the working day (Monday to Friday) nearest to the 15th, in the same month; `LW`, to the last day."""

    day: int | None

    def find(self, month: Month) -> int | None:
        """Return the day, or None where the month has none such.

        >>> NearestWorkday(1).find(Month(first=6, days=30))
        3
        """
        day = month.days if self.day is None else self.day
        if day > month.days:
            return None
        weekday = month.weekday(day)
        if weekday == _SATURDAY:
            return day - 1 if day > 1 else day + 2
        if weekday == _SUNDAY:
            return day + 1 if day < month.days else day - 2
        return day


class NthWeekday(msgspec.Struct, frozen=True):
    """`1#2`: the second Monday; `5L`, with `nth` None: the last Friday."""

    weekday: int
    nth: int | None

    def find(self, month: Month) -> int | None:
        """Return the day, or None where the month has none such.

        >>> NthWeekday(weekday=5, nth=None).find(Month(first=7, days=30))
        27
        """
        first = 1 + (self.weekday - month.first) % _WEEK
        nth = self.nth if self.nth is not None else (month.days - first) // _WEEK + 1
        day = first + (nth - 1) * _WEEK
        return day if day <= month.days else None


NamedDay = LastDay | NearestWorkday | NthWeekday
