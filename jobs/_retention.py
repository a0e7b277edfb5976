"""Which backups to keep: the newest few, and the newest of each day, week and month, as far back as each rule says."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_PERIODS = {"daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m"}


class Retention(NamedTuple):
    """How many to keep by each rule; one that any rule keeps is kept. A day without a backup does not count."""

    last: int = 7
    daily: int = 0
    weekly: int = 0
    monthly: int = 0


def choose_kept(moments: Iterable[datetime], retention: Retention) -> set[datetime]:
    """Return those of the moments, at which backups were made, whose backups stay.

    The newest one always does. Weeks are those of ISO 8601, from Monday.

    >>> from datetime import datetime
    >>> days = [datetime(2026, 3, day) for day in (1, 2, 30, 31)]
    >>> sorted(moment.day for moment in choose_kept(days, Retention(last=1, weekly=2)))
    [2, 31]
    """
    newest_first = sorted(set(moments), reverse=True)
    kept = set(newest_first[: max(retention.last, 1)])
    for rule, period in _PERIODS.items():
        newest_of: dict[str, datetime] = {}
        for moment in newest_first:
            newest_of.setdefault(moment.strftime(period), moment)
        kept.update(islice(newest_of.values(), getattr(retention, rule)))
    return kept
