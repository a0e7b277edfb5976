"""The instants that a cron expression means in a zone, where clocks are put forward and back.

Three rules say what becomes of a local time that does not exist, and of one that comes twice:

- `once`: at the end of the gap; the first time only. As Debian's cron, cron(8).
- `skip`: never; the first time only.
- `both`: never; both times. As nats-server, but for what server 2.15.1 misses: a whole day whose midnight does not
  exist (Havana), and what is left of an hour after a change of half an hour (Lord Howe); measured.

An expression whose minute or hour field starts with `*` goes by real time under each of them (cron(8) as well): it runs
whenever the local clock shows a match. A time is planned once: `0 2,3 * * *` runs once at 3:00 where 2:00 does not
exist, and so does `0-30 2 * * *`, for which Debian's cron starts 31 runs one after the other. A gap of more than three
hours, a correction of the clock to Debian's cron, is a gap like others.

Zones are asked for their offset only; no two of their changes since 1970 are nearer than six days (tzdata 2026), so
two days with the same offset at both ends have no change between them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from tqcli.core.schedules.cron import Cron

Daylight = Literal["once", "skip", "both"]
DAYLIGHT_RULES: tuple[Daylight, ...] = ("once", "skip", "both")

_SECOND = timedelta(seconds=1)
_STEP = timedelta(days=2)
_WINDOW = timedelta(days=6)
_MARGIN = timedelta(days=2)
"""No local time is farther than this from its instant, nor from the end of the gap that it falls into."""

_FIRST = datetime(1800, 1, 1, tzinfo=UTC)
_LAST = datetime(9990, 1, 1, tzinfo=UTC)


class _Span(NamedTuple):
    """Local times from `start` to before `end`: `offset` from UTC, or, in a gap, all of them at `gap_end`."""

    start: datetime
    end: datetime
    offset: timedelta
    gap_end: datetime | None


def instants_from(cron: Cron, zone: tzinfo, rule: Daylight, start: datetime) -> Iterator[datetime]:
    """Return when it is planned from `start` on, in order, without end unless it does not match for 400 years."""
    start = max(_whole_second(start), _FIRST)
    last: datetime | None = None
    found_until = start.year
    while start < _LAST:
        end = start + _WINDOW
        for span in _spans(cron, zone, rule, start, end):
            for instant in _ascending(cron, span):
                if instant != last:
                    last, found_until = instant, instant.year
                    yield instant
        candidate = cron.at_or_after(_naive(end - _MARGIN))
        if candidate is None or candidate.year - found_until > _PATIENCE_YEARS:
            return
        start = max(end, candidate.replace(tzinfo=UTC) - _MARGIN)


def instants_until(cron: Cron, zone: tzinfo, rule: Daylight, end: datetime) -> Iterator[datetime]:
    """Return when it was planned up to `end` (included), the latest first."""
    end = min(end.astimezone(UTC).replace(microsecond=0) + _SECOND, _LAST)
    last: datetime | None = None
    found_since = end.year
    while end > _FIRST:
        start = end - _WINDOW
        for span in reversed(_spans(cron, zone, rule, start, end)):
            for instant in _descending(cron, span):
                if instant != last:
                    last, found_since = instant, instant.year
                    yield instant
        candidate = cron.at_or_before(_naive(start + _MARGIN))
        if candidate is None or found_since - candidate.year > _PATIENCE_YEARS:
            return
        end = min(start, candidate.replace(tzinfo=UTC) + _MARGIN)


_PATIENCE_YEARS = 400
"""An expression may match in gaps only: the hour of each year that a zone leaves out."""


def _spans(cron: Cron, zone: tzinfo, rule: Daylight, start: datetime, end: datetime) -> list[_Span]:
    """Return the local times whose instants are from `start` to before `end`, in the order of their instants."""
    every_one = cron.any_hour or rule == "both"
    spans: list[_Span] = []
    reached: datetime | None = None
    for since, until, offset in _offsets(zone, start - _STEP, end):
        local, local_end = _naive(since) + offset, _naive(until) + offset
        seen = _naive(start) + offset
        if reached is None or every_one:
            spans.append(_Span(max(local, seen), local_end, offset, None))
        else:
            if rule == "once" and local > reached and since >= start:
                spans.append(_Span(reached, local, offset, since))
            spans.append(_Span(max(local, reached, seen), local_end, offset, None))
        reached = local_end if reached is None else max(reached, local_end)
    return [span for span in spans if span.start < span.end]


def _ascending(cron: Cron, span: _Span) -> Iterator[datetime]:
    match = cron.at_or_after(span.start)
    while match is not None and match < span.end:
        if span.gap_end is not None:
            yield span.gap_end
            return
        yield (match - span.offset).replace(tzinfo=UTC)
        match = cron.at_or_after(match + _SECOND)


def _descending(cron: Cron, span: _Span) -> Iterator[datetime]:
    match = cron.at_or_before(span.end - _SECOND)
    while match is not None and match >= span.start:
        if span.gap_end is not None:
            yield span.gap_end
            return
        yield (match - span.offset).replace(tzinfo=UTC)
        match = cron.at_or_before(match - _SECOND)


def _offsets(zone: tzinfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Return each stretch of one offset: its first instant, the first after it, and the offset."""
    since, offset = start, _offset(zone, start)
    low = start
    while low < end:
        high = min(low + _STEP, end)
        if _offset(zone, high) != offset:
            low = _find_change(zone, low, high, offset)
            yield since, low, offset
            since, offset = low, _offset(zone, low)
        else:
            low = high
    if since < end:
        yield since, end, offset


def _find_change(zone: tzinfo, low: datetime, high: datetime, offset: timedelta) -> datetime:
    """Return the first second after `low` with another offset; `high` has another."""
    seconds, upper = 0, (high - low) // _SECOND
    while upper - seconds > 1:
        middle = (seconds + upper) // 2
        if _offset(zone, low + middle * _SECOND) == offset:
            seconds = middle
        else:
            upper = middle
    return low + upper * _SECOND


def _offset(zone: tzinfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def _naive(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)


def _whole_second(moment: datetime) -> datetime:
    """Return the first whole second that is not before `moment`, in UTC."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return whole + _SECOND if moment.microsecond else whole
