"""Durations as people write them: `90s`, `5m`, `1h30m`, `2d`, `1.5s`, `500ms`."""

from __future__ import annotations

import re
from datetime import timedelta

from tqcli.core.names import quote
from tqcli.errors import InvalidInput

LONGEST = timedelta(days=36_500)
"""Any date within tq's reach plus this is still a date."""

_UNITS_US = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}
_PART = r"(?:(\d{1,12})(?:\.(\d{1,9}))?%s)?"
_DURATION = re.compile("".join(_PART % unit for unit in _UNITS_US), re.ASCII)
_BARE = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_EXAMPLES = "durations look like 500ms, 90s, 5m, 1h30m, 2d"
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)


def parse_duration(text: str) -> timedelta:
    """Return the duration: numbers with d, h, m, s or ms, each at most once and in this order.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)

    Raises:
        InvalidInput: another form, finer than a microsecond, or longer than 36500d.
    """
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        if _BARE.fullmatch(text):
            msg = f"the duration {quote(text)} has no unit"
            # No hint repeats a novel, nor what few durations may be.
            shown = text if len(text) <= 9 and float(text) else "90"  # noqa: PLR2004
            raise InvalidInput(msg, hint=f"write {shown}s for seconds, {shown}m for minutes")
        msg = f"{quote(text)} is not a duration"
        raise InvalidInput(msg, hint=_EXAMPLES)
    groups = match.groups()
    total_us = 0
    for unit_us, whole, fraction in zip(_UNITS_US.values(), groups[::2], groups[1::2], strict=True):
        if whole is None:
            continue
        part_us, rest = divmod(int(whole + (fraction or "")) * unit_us, 10 ** len(fraction or ""))
        if rest:
            msg = f"the duration {quote(text)} is finer than a microsecond"
            raise InvalidInput(msg, hint=_EXAMPLES)
        total_us += part_us
    if total_us > LONGEST // _MICROSECOND:
        msg = f"the duration {quote(text)} is longer than {LONGEST.days}d"
        raise InvalidInput(msg, hint="leave it out where there should be no limit")
    return timedelta(microseconds=total_us)


def format_duration(duration: timedelta) -> str:
    """Return what `parse_duration` reads as exactly this duration (which is not negative).

    >>> format_duration(timedelta(seconds=5400)), format_duration(timedelta(milliseconds=1500))
    ('1h30m', '1.5s')
    """
    rest_us = duration // _MICROSECOND
    text = ""
    for unit in ("d", "h", "m"):
        count, rest_us = divmod(rest_us, _UNITS_US[unit])
        text += f"{count}{unit}" if count else ""
    if rest_us == 0:
        return text or "0s"
    unit = "s" if text or rest_us >= _UNITS_US["s"] else "ms"
    whole, part = divmod(rest_us, _UNITS_US[unit])
    fraction = str(part).zfill(len(str(_UNITS_US[unit])) - 1).rstrip("0")
    return f"{text}{whole}.{fraction}{unit}" if fraction else f"{text}{whole}{unit}"


def humanize(duration: timedelta) -> str:
    """Return it for a reader: the two largest units, rounded down.

    >>> humanize(timedelta(seconds=125)), humanize(timedelta(seconds=3.25)), humanize(timedelta(milliseconds=40))
    ('2m 05s', '3.2s', '40ms')
    """
    if duration < _SECOND:
        return f"{max(duration // timedelta(milliseconds=1), 0)}ms"
    if duration < 10 * _SECOND:
        tenths = duration // timedelta(milliseconds=100)
        return f"{tenths // 10}.{tenths % 10}s"
    minutes, seconds = divmod(duration // _SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {seconds:02}s" if minutes else f"{seconds}s"
