"""Schedules for tests, and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tqcli.client.schedules import add_schedule, load_schedule
from tqcli.core.schedules.rule import AtRule, CronRule, EveryRule, Rule
from tqcli.core.schedules.schedule import Definition, Run, Schedule, Skipped, make_template
from tqcli.core.spec import WIRE_VERSION, Shell, Spec
from tqcli.jetstream.schedules import load_schedule as load_snapshot
from tqcli.jetstream.schedules import write_schedule

if TYPE_CHECKING:
    from tests.support.stage import Stage

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDLY = EveryRule(every=timedelta(seconds=1), start=START)
HOURLY = CronRule("0 * * * *")
TEMPLATE = make_template(Spec(v=WIRE_VERSION, group="0" * 16, work=Shell(("true",)), submitted_at=START))


def make_definition(rule: Rule = SECONDLY, *, argv: tuple[str, ...] = ("true",), **fields: Any) -> Definition:
    """Return a definition with these fields; those of its job are given as `job`."""
    job = {"work": Shell(argv), **fields.pop("job", {})}
    template = msgspec.structs.replace(TEMPLATE, **job)
    return Definition(**{"name": "nightly", "rule": rule, "template": template} | fields)


def add(stage: Stage, rule: Rule = SECONDLY, *, replace: bool = False, **fields: Any) -> Schedule:
    """Define a schedule on the stage."""
    return stage.run(add_schedule(stage.broker, make_definition(rule, **fields), replace=replace))


def add_at(stage: Stage, seconds: float, **fields: Any) -> Schedule:
    """Define one that runs once, so many seconds from now."""
    return add(stage, AtRule(datetime.now(UTC) + timedelta(seconds=seconds)), **fields)


def load(stage: Stage, name: str = "nightly") -> Schedule:
    """Return the schedule as it is stored."""
    return stage.run(load_schedule(stage.broker, name))


def shift(stage: Stage, ago: timedelta, name: str = "nightly") -> Schedule:
    """Make it as if nobody had looked at the schedule since `ago`: with its timer as it was set then, long fired."""
    found = stage.run(load_snapshot(stage.broker, name))
    assert found is not None
    schedule, sequence = found
    then = schedule.cursor - ago
    rule = schedule.definition.rule
    if isinstance(rule, EveryRule):
        rule = EveryRule(every=rule.every, start=rule.start - ago)
    definition = msgspec.structs.replace(schedule.definition, rule=rule)
    schedule = msgspec.structs.replace(schedule, cursor=then, definition=definition)
    stage.run(write_schedule(stage.broker, schedule, expected=sequence))
    return schedule


def runs(schedule: Schedule) -> list[Run]:
    """Return the runs in the history."""
    return [one for one in schedule.history if isinstance(one, Run)]


def skips(schedule: Schedule) -> list[Skipped]:
    """Return what the history says was skipped."""
    return [one for one in schedule.history if isinstance(one, Skipped)]
