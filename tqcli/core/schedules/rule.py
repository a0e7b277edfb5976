"""When a schedule runs: by a cron expression, at an interval, or at one time.

All of its planned times follow from the rule alone, so each agent computes the same ones, forwards and backwards. They
are aware UTC times at whole seconds for cron, and exactly as the interval and its start say elsewhere.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.duration import LONGEST, format_duration
from tqcli.core.names import quote
from tqcli.core.nearest import did_you_mean
from tqcli.core.schedules.cron import parse_cron
from tqcli.core.schedules.daylight import DAYLIGHT_RULES, Daylight, instants_from, instants_until
from tqcli.core.spec import Moment
from tqcli.core.zone import find_zone
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)


class CronRule(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="cron", tag_field="kind"
):
    """A cron expression (`core.schedules.cron`) in the zone `tz`; `dst` says what happens where clocks are changed."""

    expression: str
    tz: str = "UTC"
    dst: Daylight = "once"


class EveryRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="every", tag_field="kind"):
    """An interval: `start` + n · `every`, for n from 1 on."""

    every: timedelta
    start: Moment


class AtRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="at", tag_field="kind"):
    """One time."""

    at: Moment


Rule = CronRule | EveryRule | AtRule


def check_rule(rule: Rule) -> None:
    """Return where the rule makes sense.

    Raises:
        InvalidInput: its expression, zone, daylight-saving rule or interval does not.
    """
    match rule:
        case CronRule():
            parse_cron(rule.expression)
            find_zone(rule.tz)
            if rule.dst not in DAYLIGHT_RULES:
                msg = f"{quote(rule.dst)} is no rule for daylight saving"
                raise InvalidInput(msg, hint=did_you_mean(rule.dst, DAYLIGHT_RULES))
        case EveryRule():
            _check_every(rule.every)
            _check_aware(rule.start)
        case AtRule():
            _check_aware(rule.at)


def next_after(rule: Rule, moment: datetime) -> datetime | None:
    """Return the first planned time after `moment`; None where there is none any more.

    >>> next_after(CronRule("30 4 * * *", tz="Europe/Berlin"), datetime(2026, 11, 22, tzinfo=UTC))
    datetime.datetime(2026, 11, 22, 3, 30, tzinfo=datetime.timezone.utc)
    """
    match rule:
        case CronRule():
            start = moment + _MICROSECOND
            return next(instants_from(parse_cron(rule.expression), find_zone(rule.tz), rule.dst, start), None)
        case EveryRule():
            return _nth(rule, max((moment - rule.start) // rule.every + 1, 1))
        case AtRule():
            return rule.at.astimezone(UTC) if rule.at > moment else None


def last_until(rule: Rule, moment: datetime) -> datetime | None:
    """Return the latest planned time that is not after `moment`; None where there is none before it."""
    match rule:
        case CronRule():
            return next(instants_until(parse_cron(rule.expression), find_zone(rule.tz), rule.dst, moment), None)
        case EveryRule():
            count = (moment - rule.start) // rule.every
            return _nth(rule, count) if count > 0 else None
        case AtRule():
            return rule.at.astimezone(UTC) if rule.at <= moment else None


def planned_between(rule: Rule, after: datetime, until: datetime) -> Iterator[datetime]:
    """Return the planned times after `after` and not after `until`, in order."""
    if isinstance(rule, CronRule):
        cron, zone = parse_cron(rule.expression), find_zone(rule.tz)
        for instant in instants_from(cron, zone, rule.dst, after + _MICROSECOND):
            if instant > until:
                return
            yield instant
    planned = next_after(rule, after) if not isinstance(rule, CronRule) else None
    while planned is not None and planned <= until:
        yield planned
        planned = next_after(rule, planned)


def describe_rule(rule: Rule) -> str:
    """Return the rule for a list.

    >>> describe_rule(CronRule("30 4 * * *", tz="Europe/Berlin"))
    '30 4 * * * Europe/Berlin'
    """
    match rule:
        case CronRule():
            return f"{rule.expression} {rule.tz}"
        case EveryRule():
            return f"every {format_duration(rule.every)}"
        case AtRule():
            return f"at {rule.at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}"


def _nth(rule: EveryRule, count: int) -> datetime | None:
    try:
        return rule.start.astimezone(UTC) + count * rule.every
    except OverflowError:
        return None  # after the year 9999


def _check_every(every: timedelta) -> None:
    if every < SHORTEST:
        shown = f"{format_duration(every)}, less than a second" if every > timedelta(0) else "nothing"
        msg = f"the interval is {shown}"
        raise InvalidInput(msg, hint="write 1s or more, as in 5m; for less, let one job loop")
    if every > LONGEST:
        msg = f"the interval is longer than {LONGEST.days}d"
        raise InvalidInput(msg, hint="name the time itself with --at")


def _check_aware(moment: datetime) -> None:
    if moment.tzinfo is None:
        msg = f"the time {moment.isoformat()} has no zone"
        raise InvalidInput(msg, hint="add one, as in 2026-11-22T17:30:00Z")
