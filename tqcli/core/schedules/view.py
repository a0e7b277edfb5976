"""A schedule as its user sees it: definition and state in one, the fields of `tq schedule show --json`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tqcli.core.schedules.cron import parse_cron
from tqcli.core.schedules.planning import next_firing, next_planned, phase, preview
from tqcli.core.schedules.rule import CronRule, describe_rule, next_after
from tqcli.core.schedules.schedule import Backfilled, Run, Schedule, Skipped
from tqcli.core.schedules.table import to_table
from tqcli.core.state import State
from tqcli.core.zone import find_zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tqcli.core.schedules.rule import Rule
    from tqcli.core.schedules.schedule import Entry

BAD_ENDS = (State.FAILED, State.EXPIRED)


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One planned time. `local` is the same in its `zone`; `note` says what daylight saving did to it, if anything."""

    at: datetime
    local: str
    zone: str
    note: str | None


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule on one line. `state` is active, paused, finished or trouble; of the last one `trouble` says why.

    `options` is the table that would declare it. `last` is the newest thing that happened to a planned time.
    """

    name: str
    state: str
    trouble: str | None
    rule: str
    options: dict[str, Any]
    queue: str
    paused_since: datetime | None
    pause_note: str | None
    declared: bool
    revision: int
    defined_at: datetime
    defined_by: str | None
    runs: int
    waiting: int
    next_at: datetime | None
    next_planned: datetime | None
    last: dict[str, Any] | None


class FullView(View, frozen=True, kw_only=True):
    """Everything about a schedule: `succeeded` of the `ended` runs in its history; how long those took."""

    next: list[Planned]
    history: list[dict[str, Any]]
    succeeded: int
    ended: int
    durations_s: list[float]


class Success(NamedTuple):
    """How many of the runs that ended succeeded."""

    succeeded: int
    ended: int


def describe_schedule(schedule: Schedule) -> View:
    """Return the schedule as it stands."""
    definition, paused = schedule.definition, schedule.paused
    trouble = find_trouble(schedule.history)
    state = phase(schedule)
    newest = next((one for one in reversed(schedule.history) if not isinstance(one, Backfilled)), None)
    return View(
        name=schedule.name,
        state="trouble" if trouble and state == "active" else state,
        trouble=trouble,
        rule=describe_rule(definition.rule),
        options=to_table(definition),
        queue=definition.template.queue,
        paused_since=None if paused is None else paused.since,
        pause_note=None if paused is None else paused.note,
        declared=definition.declared,
        revision=schedule.revision,
        defined_at=schedule.defined_at,
        defined_by=schedule.defined_by,
        runs=schedule.runs,
        waiting=len(schedule.waiting) + len(schedule.starting),
        next_at=next_firing(schedule),
        next_planned=next_planned(schedule),
        last=None if newest is None else describe_entry(newest),
    )


def describe_in_full(schedule: Schedule, zone: str, *, planned: int = 5, entries: int = 10) -> FullView:
    """Return the schedule with its next planned times and its newest entries, the newest first."""
    succeeded, ended = count_success(schedule.history)
    return FullView(
        **msgspec.structs.asdict(describe_schedule(schedule)),
        next=list_next(schedule, planned, zone),
        history=[describe_entry(one) for one in schedule.history[::-1][:entries]],
        succeeded=succeeded,
        ended=ended,
        durations_s=[one.total_seconds() for one in list_durations(schedule.history)],
    )


def describe_entry(entry: Entry) -> dict[str, Any]:
    """Return an entry of the history with all its fields; `is` says which kind it is: run, skipped or backfilled."""
    kind: str = entry.__struct_config__.tag  # type: ignore[assignment] # a string, as it is declared
    return {"is": kind} | msgspec.structs.asdict(entry)


def find_trouble(history: Sequence[Entry]) -> str | None:
    """Return what is wrong: the newest run did not succeed, or planned times can't become jobs; else None."""
    for entry in reversed(history):
        if isinstance(entry, Skipped) and (entry.reason == "no queue" or entry.reason.startswith("rejected")):
            return f"the last planned time was skipped: {entry.reason}"
        if isinstance(entry, Run) and entry.state is not None and entry.state.final:
            return f"the last run {entry.state}" if entry.state in BAD_ENDS else None
    return None


def list_next(schedule: Schedule, count: int, zone: str) -> list[Planned]:
    """Return the next planned times, at most `count`, as agents compute them; in `zone` where the rule has none."""
    return [describe_time(schedule.definition.rule, one, zone) for one in preview(schedule, count)]


def preview_rule(rule: Rule, now: datetime, count: int) -> list[datetime]:
    """Return the next planned times of a rule that no schedule has yet, at most `count`."""
    times: list[datetime] = []
    planned = next_after(rule, now)
    while planned is not None and len(times) < count:
        times.append(planned)
        planned = next_after(rule, planned)
    return times


def describe_time(rule: Rule, moment: datetime, zone: str) -> Planned:
    """Return a planned time in the zone of its rule, or in `zone` where that has none."""
    name = rule.tz if isinstance(rule, CronRule) else zone
    local = moment.astimezone(find_zone(name))
    note = explain_change(rule, local) if isinstance(rule, CronRule) else None
    return Planned(at=moment.astimezone(UTC), local=local.isoformat(), zone=name, note=note)


def explain_change(rule: CronRule, local: datetime) -> str | None:
    """Return what a change of the clocks has to do with a planned time, None where nothing."""
    cron, shown = parse_cron(rule.expression), local.replace(tzinfo=None, fold=0)
    if cron.at_or_after(shown) != shown:
        meant = cron.at_or_before(shown)
        return "moved by daylight saving" if meant is None else f"moved: there is no {meant:%H:%M} on that day"
    if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset() and _comes_twice(local):
        return f"{'second' if local.fold else 'first'} of two {local:%H:%M}"
    return None


def _comes_twice(local: datetime) -> bool:
    """Return whether the local time is there twice, rather than never."""
    return local.astimezone(UTC).astimezone(local.tzinfo) == local


def count_success(history: Iterable[Entry]) -> Success:
    """Return how many of the runs that ended by themselves succeeded; what somebody cancelled says nothing."""
    ends = [one.state for one in history if isinstance(one, Run)]
    counted = [state for state in ends if state is State.SUCCEEDED or state in BAD_ENDS]
    return Success(counted.count(State.SUCCEEDED), len(counted))


def list_durations(history: Iterable[Entry]) -> list[timedelta]:
    """Return how long the runs that succeeded took, the oldest first."""
    return [
        one.finished_at - one.started_at
        for one in history
        if isinstance(one, Run) and one.state is State.SUCCEEDED and one.started_at and one.finished_at
    ]


def middle(durations: Sequence[timedelta]) -> timedelta:
    """Return the median of at least one duration; of two in the middle, the longer."""
    return sorted(durations)[len(durations) // 2]
