"""Random cron expressions for the tests, and what they mean: read anew, and decided for one local time at a time."""

from __future__ import annotations

import calendar
from datetime import datetime
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tqcli.core.schedules.cron import parse_cron
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import date
    from random import Random

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "America/New_York",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Havana",
    "America/St_Johns",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Beirut",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Antarctica/Troll",
)
"""Twenty: no change of clocks, changes of 30 minutes, an hour, two; at midnight, at 0:01, backwards in winter."""

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_RANGES = {"second": (0, 59), "minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}


def random_expression(random: Random, *, seconds: bool = False, named_days: bool = True) -> str:
    """Return an expression that matches at some time; often near the hours at which clocks change."""
    while True:
        fields = [_random_field(random, kind) for kind in ("minute", "hour")]
        fields += [_random_day(random, named_days=named_days), _random_field(random, "month", star=0.7)]
        fields += [_random_weekday(random, named_days=named_days)]
        if seconds:
            fields.insert(0, _random_field(random, "second"))
        expression = " ".join(fields)
        try:
            parse_cron(expression)
        except InvalidInput:
            continue  # 31 February and the like
        return expression


def _random_field(random: Random, kind: str, *, star: float = 0.15) -> str:
    if random.random() < star:
        return "*"
    return ",".join(_random_item(random, kind) for _ in range(random.choice((1, 1, 1, 2, 3))))


def _random_item(random: Random, kind: str) -> str:
    low, high = _RANGES[kind]
    if kind == "hour" and random.random() < 0.6:
        high = 4  # clocks change at night
    first = random.randint(low, high - 1)
    match random.randrange(6):
        case 0:
            return f"{first}-{random.randint(first, high)}"
        case 1:
            return f"{first}-{random.randint(first + 1, high)}/{random.randint(1, 5)}"
        case 2:
            return f"*/{random.randint(1, _RANGES[kind][1])}"
        case 3 if kind == "month":
            return random.choice(_MONTHS)
        case 3 if kind == "weekday":
            return random.choice(_WEEKDAYS)
        case _:
            return str(random.randint(low, high))


def _random_day(random: Random, *, named_days: bool) -> str:
    if random.random() < 0.5:
        return "*"
    if named_days and random.random() < 0.3:
        day = random.randint(1, 31)
        return random.choice(("L", "LW", f"L-{random.randint(1, 5)}", f"{day}W", f"{day},L"))
    return _random_field(random, "day", star=0)


def _random_weekday(random: Random, *, named_days: bool) -> str:
    if random.random() < 0.5:
        return "*"
    if named_days and random.random() < 0.3:
        day = random.choice((str(random.randint(0, 7)), random.choice(_WEEKDAYS)))
        return random.choice((f"{day}L", f"{day}#{random.randint(1, 5)}", f"{day}#1,3"))
    return _random_field(random, "weekday", star=0)


expressions = st.builds(random_expression, st.randoms(use_true_random=False), seconds=st.booleans())
moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - local times


class Matcher:
    """Says what an expression matches: crontab(5) read once more, with nothing of tqcli's."""

    def __init__(self, expression: str) -> None:
        """Read an expression that is known to be right."""
        words = expression.split()
        if len(words) == 5:
            words.insert(0, "0")
        self._words = dict(zip(_RANGES, words, strict=True))
        self._sets = {kind: self._expand(kind, word) for kind, word in self._words.items()}
        self.seconds = self._sets["second"]
        self.minutes = self._sets["minute"]
        self.hours = self._sets["hour"]
        self.by_real_time = words[1][0] == "*" or words[2][0] == "*"

    def day(self, local: date) -> bool:
        """Return whether the day matches."""
        if local.month not in self._sets["month"]:
            return False
        by_day = local.day in self._sets["day"] or any(
            self._match_named_day(item, local) for item in self._words["day"].upper().split(",")
        )
        by_weekday = bool({local.isoweekday(), local.isoweekday() % 7} & self._sets["weekday"]) or any(
            self._match_named_weekday(item, local) for item in self._words["weekday"].split(",")
        )
        if self._words["day"][0] == "*" or self._words["weekday"][0] == "*":
            return by_day and by_weekday
        return by_day or by_weekday

    def _match_named_day(self, item: str, local: date) -> bool:
        last = calendar.monthrange(local.year, local.month)[1]
        workdays = [day for day in range(1, last + 1) if calendar.weekday(local.year, local.month, day) < 5]
        if item == "L":
            return local.day == last
        if item.startswith("L-"):
            return local.day == last - int(item[2:])
        if item == "LW":
            return local.day == workdays[-1]
        if item.endswith("W"):
            wanted = int(item[:-1])
            return wanted <= last and local.day == min(workdays, key=lambda day: abs(day - wanted))
        return False

    def _match_named_weekday(self, item: str, local: date) -> bool:
        if item[-1] not in "Ll" and "#" not in item:
            return False
        name, _, nth = item.partition("#") if "#" in item else (item[:-1], "", "")
        wanted = _WEEKDAYS.index(name) if name in _WEEKDAYS else int(name) % 7
        last = calendar.monthrange(local.year, local.month)[1]
        same = range(local.day % 7 or 7, last + 1, 7)
        place = same.index(local.day) + 1
        return local.isoweekday() % 7 == wanted and (place == int(nth) if nth else place == len(same))

    def _expand(self, kind: str, word: str) -> set[int]:
        names = {
            "month": dict(zip(_MONTHS, range(1, 13), strict=True)),
            "weekday": dict(zip(_WEEKDAYS, range(7), strict=True)),
        }
        numbers: set[int] = set()
        for item in word.split(","):
            span, _, step = item.partition("/")
            if span[-1] in "LW" or "#" in span or span.startswith("L-"):
                continue
            low, _, high = span.partition("-")
            if span == "*":
                first, last = _RANGES[kind]
            else:
                first = names.get(kind, {}).get(low, -1) if not low.isdigit() else int(low)
                last = _RANGES[kind][1] if step and not high else int(high or first)
            numbers.update(range(first, last + 1, int(step or 1)))
        return numbers
