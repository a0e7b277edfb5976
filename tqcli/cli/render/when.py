"""Times of a schedule as people read them: in a zone, with the weekday, and how far away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tqcli.core.duration import humanize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tqcli.core.schedules.view import Planned

_MINUTE = timedelta(minutes=1)


def show_distance(moment: datetime, now: datetime) -> str:
    """Return how far away a time is.

    >>> show_distance(datetime(2026, 1, 2, 3, 30), datetime(2026, 1, 2))
    'in 3h 30m'
    >>> show_distance(datetime(2026, 1, 1), datetime(2026, 1, 2, 3))
    '1d 03h ago'
    """
    # Whole seconds: a countdown in tenths helps nobody.
    if moment >= now:
        return f"in {_whole(moment - now)}"
    return f"{_whole(now - moment)} ago"


def _whole(duration: timedelta) -> str:
    seconds = timedelta(seconds=round(duration.total_seconds()))
    return humanize(seconds).replace(".0s", "s") if seconds else "0s"


def show_times(times: Iterable[Planned]) -> list[str]:
    """Return each as `Mon 2026-11-23 02:30 CET`; with seconds where one of them has some."""
    local = [(datetime.fromisoformat(one.local), one.at, one.zone) for one in times]
    form = "%a %Y-%m-%d %H:%M:%S" if any(shown.second for shown, _, _ in local) else "%a %Y-%m-%d %H:%M"
    return [f"{shown:{form}} {abbreviate(at, zone)}" for shown, at, zone in local]


def show_end(start: Planned, end: Planned) -> str:
    """Return the end of a span whose start is shown beside it: of the same day, its time alone."""
    first, last = datetime.fromisoformat(start.local), datetime.fromisoformat(end.local)
    form = "%H:%M:%S" if last.second else "%H:%M"
    return f"{last:{form}}" if first.date() == last.date() else f"{last:%a %Y-%m-%d {form}}"


def abbreviate(moment: datetime, zone: str) -> str:
    """Return what the zone is called at that time, as CET; where it has no letters for it, its offset."""
    from tqcli.core.zone import find_zone  # noqa: PLC0415 - not every command shows a time

    name = moment.astimezone(find_zone(zone)).tzname() or zone
    return name if name.isalpha() else f"UTC{name}"
