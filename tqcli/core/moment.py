"""Times as people write them: `17:30`, `tomorrow 9:00`, `2026-11-22`, `2026-11-22T17:30Z`, `now`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tqcli.core.duration import humanize
from tqcli.core.names import quote
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import tzinfo

_CLOCK = re.compile(r"(?:(today|tomorrow)[ ]+)?(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d|\d{8}|\d{4}-?W\d\d-?\d)(?:[T ]+(\d[\d:.,]*)(Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII)
_SHORT_HOUR = re.compile(r"\d:", re.ASCII)
_DURATION = r"\d[\d.]*(ms|[dhms])(\d.*)?"
_HALF_DAY = r"(.*\d) ?[ap]\.?m\.?"
_EXAMPLES = "times look like 17:30, 'tomorrow 9:00', 2026-11-22, 2026-11-22T17:30 or 2026-11-22T17:30Z"
_WORDS = ("today", "tomorrow", "now")
_DAY = timedelta(days=1)
_MAX_LENGTH = 64


def parse_moment(text: str, *, now: datetime, zone: tzinfo, past: bool = False) -> datetime:
    """Return the time, in UTC: a day begins, and a clock without an offset goes, as in `zone`.

    A local time that comes twice is the first of the two.

    >>> parse_moment("tomorrow 9:00", now=datetime(2026, 11, 22, 12, tzinfo=UTC), zone=UTC)
    datetime.datetime(2026, 11, 23, 9, 0, tzinfo=datetime.timezone.utc)

    Raises:
        InvalidInput: another form, no such time, or, without `past`, one before `now`.
    """
    words = text.strip()
    if words.lower() == "now":
        return now.astimezone(UTC)
    try:
        local = _parse(words, now.astimezone(zone), zone) if len(words) <= _MAX_LENGTH else None
        moment = local.astimezone(UTC) if local is not None else None
    except (ValueError, OverflowError) as error:
        msg = f"there is no time {quote(text)}: {error}"
        raise InvalidInput(msg, hint=_EXAMPLES) from None
    if local is None or moment is None:
        msg = f"{quote(text)} is not a time"
        raise InvalidInput(msg, hint=_suggest(words))
    if moment.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        there = moment.astimezone(local.tzinfo)
        msg = f"there is no time {quote(text)}: clocks are put forward, and it meant {_show(there)}"
        raise InvalidInput(msg, hint=f"write '{there:%Y-%m-%d %H:%M}'")
    if moment < now and not past:
        ago = humanize(now - moment)
        msg = f"{quote(text)} has passed: it meant {_show(local)}, {ago} ago"
        raise InvalidInput(msg, hint=_suggest_later(words, local, now.astimezone(local.tzinfo)))
    return moment


def _parse(words: str, today: datetime, zone: tzinfo) -> datetime | None:
    """Return the time in the zone it was written for, or None where it has no form that is known."""
    found = _CLOCK.fullmatch(words.lower())
    if found is not None:
        day, hour, minute, second = found.groups()
        date = today + _DAY if day == "tomorrow" else today
        return date.replace(hour=int(hour), minute=int(minute), second=int(second or 0), microsecond=0, fold=0)
    found = _ISO.fullmatch(words.upper())
    if found is None:
        return None
    date_text, clock_text, offset = found.groups()
    if clock_text is None:
        return datetime.fromisoformat(date_text).replace(tzinfo=zone)
    zero = "0" if _SHORT_HOUR.match(clock_text) else ""
    moment = datetime.fromisoformat(f"{date_text}T{zero}{clock_text}{offset or ''}")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _show(moment: datetime) -> str:
    seconds = ":%S" if moment.second else ""
    return moment.strftime(f"%Y-%m-%d %H:%M{seconds} %Z")


def _suggest_later(words: str, meant: datetime, now: datetime) -> str:
    """Return a hint: the same clock at the next day on which it is still to come."""
    found = _CLOCK.fullmatch(words.lower())
    clock = f"{meant:%H:%M:%S}" if meant.second else f"{meant:%H:%M}"
    if found is not None:
        return f"write 'tomorrow {clock}'"
    if meant.date() == now.date() and ":" not in words:
        return f"write a later time of that day, as in '{meant:%Y-%m-%d} 23:30', or 'tomorrow 9:00'"
    return "name a time to come, such as 'tomorrow 9:00'"


def _suggest(words: str) -> str:
    lowered = words.lower()
    if re.fullmatch(_DURATION, lowered):
        return f"write --in {words} for a time from now" if len(words) <= 9 else _EXAMPLES  # noqa: PLR2004 - short
    if re.fullmatch(_HALF_DAY, lowered):
        return "write the hours from 0 to 23, as in 17:30"
    from tqcli.core.nearest import nearest  # noqa: PLC0415 - only a mistake needs it

    first = lowered.partition(" ")[0]
    near = nearest(first, _WORDS) if first.isalpha() else None
    if near is None:
        return _EXAMPLES
    return "did you mean 'now'?" if near == "now" else f"write '{near} 9:00', with the time of day"
