"""Cron expressions: five fields as in crontab(5), six with seconds first, `@daily` and the like.

What crontab(5) of Debian leaves open or does not have is decided so:

- A day must match both day fields where one of them starts with `*` (`*/2` does too), and either of them elsewhere.
- `5/10` is `5-59/10`. A range does not wrap around. Sunday is 0 and 7, so `*/7` is each Sunday.
- Month and weekday names have three letters in either case, and may stand in ranges and lists.
- Day of month: `L` is the last day, `L-3` the third before it, `15W` the Monday-to-Friday nearest to the 15th within
  the month (none where the month has no 15th), `LW` that nearest to the last day. Day of week: `5L` is the last
  Friday, `1#2` the second Monday. They count as fields without a `*`.
- `@reboot` is refused, as is what never matches: 31 February.

Ours rather than a library's because no library says where in the text a mistake is, computes `latest before` as fast
as `next after`, and has the choice of daylight-saving rules (`core.schedules.daylight`);
tests compare it with two others.

Source: crontab(5) and cron(8) of Debian 12's cron 3.0pl1; nats-server 2.15.1, `server/cron.go`, which knows neither `7`
nor L, W and #, and takes `*/2` in a day field for a field without `*`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from datetime import date, datetime, timedelta
from functools import lru_cache

import msgspec

from tqcli.core.names import quote
from tqcli.core.nearest import did_you_mean
from tqcli.core.schedules.cron_day import Month
from tqcli.core.schedules.cron_field import DAY, HOUR, MINUTE, MONTH, SECOND, WEEKDAY, Field, FieldReader, Word
from tqcli.errors import InvalidInput

MAX_LENGTH = 1_000
SEARCH_YEARS = 400
"""After so many years the calendar repeats, weekdays included."""

_SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_KINDS = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)
_WORD = re.compile(r"[^ \t]+")
_SECOND = timedelta(seconds=1)
_EXAMPLE = "write minute, hour, day of month, month and day of week, as in '30 4 * * *'"


class Cron(msgspec.Struct, frozen=True):
    """What a cron expression asks for, in local time.

    `any_hour` says that the minute or the hour field starts with `*`: then it goes by real time (cron(8)).
    """

    text: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Field
    months: tuple[int, ...]
    weekdays: Field
    any_hour: bool

    def at_or_after(self, local: datetime) -> datetime | None:
        """Return the first match that is not before `local`, a time without zone; None: none in 400 years."""
        if local.microsecond:
            local = local.replace(microsecond=0) + _SECOND
        day = self._day_from(local.date())
        if day == local.date():
            time = self._time_from(local.hour, local.minute, local.second)
            if time is not None:
                return datetime(day.year, day.month, day.day, *time)  # noqa: DTZ001 - local, without a zone
            day = self._day_from(day + timedelta(days=1))
        if day is None:
            return None
        first = (self.hours[0], self.minutes[0], self.seconds[0])
        return datetime(day.year, day.month, day.day, *first)  # noqa: DTZ001 - as above

    def at_or_before(self, local: datetime) -> datetime | None:
        """Return the last match that is not after `local`, a time without zone; None: none in 400 years."""
        day = self._day_until(local.date())
        if day == local.date():
            time = self._time_until(local.hour, local.minute, local.second)
            if time is not None:
                return datetime(day.year, day.month, day.day, *time)  # noqa: DTZ001 - as above
            day = self._day_until(day - timedelta(days=1))
        if day is None:
            return None
        last = (self.hours[-1], self.minutes[-1], self.seconds[-1])
        return datetime(day.year, day.month, day.day, *last)  # noqa: DTZ001 - as above

    def days_of(self, month: Month) -> int:
        """Return the days of a month that match, as bits: the first is bit 1."""
        both = self.days.starred or self.weekdays.starred
        by_day = _days_by_number(self.days, month)
        by_weekday = _days_by_weekday(self.weekdays, month)
        return by_day & by_weekday if both else by_day | by_weekday

    def _day_from(self, start: date) -> date | None:
        above = -1 << start.day
        for year in range(start.year, min(start.year + SEARCH_YEARS, date.max.year) + 1):
            for month in self.months:
                if year == start.year and month < start.month:
                    continue
                days = self.days_of(_month(year, month))
                if year == start.year and month == start.month:
                    days &= above
                if days:
                    return date(year, month, (days & -days).bit_length() - 1)
        return None

    def _day_until(self, end: date) -> date | None:
        below = (1 << (end.day + 1)) - 1
        for year in range(end.year, max(end.year - SEARCH_YEARS, date.min.year) - 1, -1):
            for month in reversed(self.months):
                if year == end.year and month > end.month:
                    continue
                days = self.days_of(_month(year, month))
                if year == end.year and month == end.month:
                    days &= below
                if days:
                    return date(year, month, days.bit_length() - 1)
        return None

    def _time_from(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        if hour in self.hours:
            if minute in self.minutes and second <= self.seconds[-1]:
                return hour, minute, self.seconds[bisect_left(self.seconds, second)]
            if minute < self.minutes[-1]:
                return hour, self.minutes[bisect_right(self.minutes, minute)], self.seconds[0]
        if hour < self.hours[-1]:
            return self.hours[bisect_right(self.hours, hour)], self.minutes[0], self.seconds[0]
        return None

    def _time_until(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        if hour in self.hours:
            if minute in self.minutes and second >= self.seconds[0]:
                return hour, minute, self.seconds[bisect_right(self.seconds, second) - 1]
            if minute > self.minutes[0]:
                return hour, self.minutes[bisect_left(self.minutes, minute) - 1], self.seconds[-1]
        if hour > self.hours[0]:
            return self.hours[bisect_left(self.hours, hour) - 1], self.minutes[-1], self.seconds[-1]
        return None


@lru_cache(maxsize=1024)
def parse_cron(text: str) -> Cron:
    """Return what the expression asks for.

    >>> parse_cron("30 4 * * mon-fri").at_or_after(datetime(2026, 11, 21))
    datetime.datetime(2026, 11, 23, 4, 30)

    Raises:
        InvalidInput: it is no cron expression (the message names the field and the position), or it never matches.
    """
    if len(text) > MAX_LENGTH:
        msg = f"the cron expression {quote(text)} has {len(text):,} characters, more than {MAX_LENGTH:,}"
        raise InvalidInput(msg, hint=_EXAMPLE)
    words = [Word(found[0], found.start()) for found in _WORD.finditer(text)]
    if words and words[0].text.startswith("@"):
        return _parse_shorthand(text, words)
    _check_count(text, words)
    kinds = _KINDS[-len(words) :]
    fields = [FieldReader(kind, text).read(word) for kind, word in zip(kinds, words, strict=True)]
    minutes, hours, days, months, weekdays = fields[-5:]
    cron = Cron(
        text=" ".join(word.text for word in words),
        seconds=fields[0].numbers if len(fields) == len(_KINDS) else (0,),
        minutes=minutes.numbers,
        hours=hours.numbers,
        days=days,
        months=months.numbers,
        weekdays=weekdays,
        any_hour=minutes.starred or hours.starred,
    )
    _check_matches(cron, text)
    return cron


def _parse_shorthand(text: str, words: list[Word]) -> Cron:
    word = words[0].text.lower()
    if len(words) == 1 and word in _SHORTHANDS:
        return msgspec.structs.replace(parse_cron(_SHORTHANDS[word]), text=word)
    if word == "@reboot":
        msg = "the cron expression '@reboot' names no time: which host's boot would it be?"
        raise InvalidInput(msg, hint="let the host's init run it at boot, such as a systemd unit that calls tq submit")
    if word == "@every":
        msg = f"the cron expression {quote(text)} is an interval"
        raise InvalidInput(msg, hint="write it as --every 5m")
    if word in _SHORTHANDS:
        msg = f"the cron expression {quote(text)}, at position {words[1].at + 1}: nothing may follow {word}"
        raise InvalidInput(msg, hint=f"write {word} alone, or its fields: '{_SHORTHANDS[word]}'")
    msg = f"the cron expression {quote(text)}, at position {words[0].at + 1}: {quote(word)} is not known"
    raise InvalidInput(msg, hint=did_you_mean(word, _SHORTHANDS))


def _check_count(text: str, words: list[Word]) -> None:
    if len(words) in (len(_KINDS) - 1, len(_KINDS)):
        return
    if not words:
        msg = "the cron expression is empty"
        raise InvalidInput(msg, hint=_EXAMPLE)
    if len(words) > len(_KINDS):
        where = words[len(_KINDS)].at + 1
        msg = f"the cron expression {quote(text)}, at position {where}: there is a field after the day of week"
        raise InvalidInput(msg, hint="six fields are the most: second, minute, hour, day of month, month, day of week")
    missing = _KINDS[1 + len(words)].noun
    msg = f"the cron expression {quote(text)}, at position {len(text) + 1}: the {missing} field is missing"
    raise InvalidInput(msg, hint=_EXAMPLE)


def _check_matches(cron: Cron, text: str) -> None:
    """Raise InvalidInput where none of the fourteen calendars there are has a day that matches."""
    for year in _CALENDARS:
        if any(cron.days_of(_month(year, month)) for month in cron.months):
            return
    msg = f"the cron expression {quote(text)} never matches: none of its months has such a day"
    raise InvalidInput(msg, hint="write L for the last day of a month, as in '30 4 L 2 *'")


def _month(year: int, month: int) -> Month:
    first = date(year, month, 1)
    if month == 2:  # noqa: PLR2004 - February
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return Month(first.isoweekday(), 29 if leap else 28)
    return Month(first.isoweekday(), 30 if month in {4, 6, 9, 11} else 31)


_CALENDARS = (2023, 2018, 2019, 2014, 2015, 2010, 2011, 2024, 2008, 2020, 2004, 2016, 2000, 2012)
"""A year for each weekday that the first of January may be, without a leap day and with one."""


def _days_by_number(field: Field, month: Month) -> int:
    bits = sum(1 << number for number in field.numbers) & ((2 << month.days) - 1)
    return bits | _named_days(field, month)


def _days_by_weekday(field: Field, month: Month) -> int:
    bits = 0
    for number in field.numbers:
        for day in range(1 + (number - month.first) % 7, month.days + 1, 7):
            bits |= 1 << day
    return bits | _named_days(field, month)


def _named_days(field: Field, month: Month) -> int:
    bits = 0
    for named in field.named:
        day = named.find(month)
        if day is not None:
            bits |= 1 << day
    return bits
