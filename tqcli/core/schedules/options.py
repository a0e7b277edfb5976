"""The options of a schedule: what a user gave, on the command line or in a file, and the definition made of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tqcli.core.moment import parse_moment
from tqcli.core.options import JobOptions, build_spec
from tqcli.core.schedules.daylight import Daylight
from tqcli.core.schedules.rule import AtRule, CronRule, EveryRule
from tqcli.core.schedules.schedule import DEFAULT_CATCH_UP, Definition, Overlap, check_definition, make_template
from tqcli.core.zone import find_zone
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from tqcli.core.schedules.rule import Rule
    from tqcli.core.spec import Spec, Stdin

_PLACEHOLDER = "0" * 16


class ScheduleOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Every option but those of its job; None where it was not given. `at` and `until` may lack a zone."""

    cron: str | None = None
    tz: str | None = None
    every: timedelta | None = None
    at: datetime | None = None
    overlap: Overlap | None = None
    catch_up: str | None = None
    jitter: timedelta | None = None
    dst: Daylight | None = None
    until: datetime | None = None
    max_runs: int | None = None
    paused: bool | None = None
    note: str | None = None


class Surroundings(NamedTuple):
    """What the options don't say: `now`, the `zone` of times that name none, the job's directory and what it reads."""

    now: datetime
    zone: str
    cwd: str | None = None
    stdin: Stdin | None = None
    declared: bool = False


def build_definition(name: str, options: ScheduleOptions, job: JobOptions, around: Surroundings) -> Definition:
    """Return the checked definition of a schedule.

    Raises:
        InvalidInput: it does not say when or what to run, says it twice, or an option is wrong; the message names it.
    """
    zone = options.tz or around.zone
    definition = Definition(
        name=name,
        rule=_build_rule(options, around, zone),
        template=_build_template(job, around),
        expires=job.expires,
        overlap=options.overlap or "skip",
        catch_up=options.catch_up or DEFAULT_CATCH_UP,
        jitter=options.jitter or timedelta(0),
        until=None if options.until is None else _place("until", options.until, around.now, zone),
        max_runs=options.max_runs,
        declared=around.declared,
        note=options.note,
    )
    check_definition(definition)
    return definition


def _build_rule(options: ScheduleOptions, around: Surroundings, zone: str) -> Rule:
    if options.dst is not None and options.cron is None:
        msg = "dst says what a cron expression does where clocks change, and there is none"
        raise InvalidInput(msg, hint="leave it out")
    if options.every is not None and options.tz is not None and options.until is None:
        msg = "an interval goes by real time, so there is no use for a zone"
        raise InvalidInput(msg, hint="leave tz out, or name local times with cron")
    rules: dict[str, Rule] = {}
    if options.cron is not None:
        rules["cron"] = CronRule(" ".join(options.cron.split()), tz=zone, dst=options.dst or "once")
    if options.every is not None:
        # Planned times are shown, and handed to the job: whole seconds read better.
        rules["every"] = EveryRule(options.every, around.now.replace(microsecond=0))
    if options.at is not None:
        rules["at"] = AtRule(_place("at", options.at, around.now, zone))
    if len(rules) != 1:
        msg = f"a schedule has one rule, not {' and '.join(rules)}" if rules else "nothing says when it runs"
        raise InvalidInput(msg, hint="give one of cron, every and at, as in --cron '30 4 * * *' or --every 15m")
    return next(iter(rules.values()))


def _place(option: str, moment: datetime, now: datetime, zone: str) -> datetime:
    """Return the moment in UTC; one without a zone is a local time of `zone`."""
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    try:
        return parse_moment(moment.isoformat(), now=now, zone=find_zone(zone), past=True)
    except InvalidInput as error:
        msg = f"{option}: {error.message}"
        raise InvalidInput(msg, hint=error.hint) from error


def _build_template(job: JobOptions, around: Surroundings) -> Spec:
    for option, field in (("array", "array"), ("key", "key"), ("in", "in_"), ("at", "at")):
        if getattr(job, field) is not None:
            msg = f"a schedule's job has no {option}"
            raise InvalidInput(msg, hint="take it out of the job file, or let the job submit others itself: tq submit")
    spec = build_spec(
        msgspec.structs.replace(job, expires=None),
        group=_PLACEHOLDER,
        index=0,
        size=None,
        now=around.now,
        submitted_by=None,
        cwd=around.cwd,
        stdin=around.stdin,
    )
    return make_template(spec)
