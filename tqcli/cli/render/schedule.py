"""Schedules on the screen: one line of a list, everything about one, its planned times, what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.fit import fold
from tqcli.cli.render.job import STYLES
from tqcli.cli.render.steps import step_lines
from tqcli.cli.render.trend import show_trend
from tqcli.cli.render.when import show_distance, show_end, show_times
from tqcli.cli.render.words import age, clock, one_line, short_duration
from tqcli.cli.table import Column, draw_table
from tqcli.core.duration import humanize
from tqcli.core.plural import count
from tqcli.core.schedules.rule import CronRule
from tqcli.core.schedules.schedule import Backfilled, Run, Skipped, jitter_offset
from tqcli.core.schedules.table import show_value, to_table
from tqcli.core.schedules.view import (
    count_success,
    describe_schedule,
    describe_time,
    find_trouble,
    list_durations,
    list_next,
    middle,
)
from tqcli.core.state import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tqcli.cli.output import Output
    from tqcli.core.schedules.schedule import Entry, Schedule
    from tqcli.core.schedules.view import Planned

LIST = (
    Column("NAME", rank=0),
    Column("RULE", shrinks=True, rank=4),
    Column("NEXT", rank=2),
    Column("LAST", shrinks=True, rank=3),
    Column("RUNS", number=True, rank=5),
    Column("STATE", rank=1),
)
_TIMES = (Column("", rank=0), Column("", rank=1), Column("", shrinks=True, rank=2))
_HISTORY = (
    Column("PLANNED", rank=0),
    Column("STATE", rank=1),
    Column("TOOK", number=True, rank=2),
    Column("JOB, OR WHY THERE IS NONE", shrinks=True, rank=3),
)
_STATES = {"trouble": "red", "paused": "yellow", "finished": "blue"}
_LABEL_WIDTH = 11
_INDENT = "  "
NEXT_SHOWN, LAST_SHOWN = 5, 10
_FEW = 3
"""Runs that tell what is usual."""


def list_row(schedule: Schedule, now: datetime, output: Output) -> list[str]:
    """Return the schedule's cells below `LIST`."""
    view = describe_schedule(schedule)
    return [
        view.name,
        view.rule,
        "-" if view.next_at is None else show_next(view.next_at, now),
        _show_last(schedule.history, now, output),
        f"{view.runs:,}",
        show_state(view.state, output),
    ]


def show_next(moment: datetime, now: datetime) -> str:
    """Return when it runs next: where nobody was there to start it, since when it is due."""
    distance = show_distance(moment, now)
    return distance if moment >= now else f"due {distance}"


def show_state(state: str, output: Output) -> str:
    """Return the state in its colour."""
    return output.paint(state, _STATES[state]) if state in _STATES else state


def next_lines(times: Sequence[Planned], now: datetime, output: Output, *, indent: str = "") -> list[str]:
    """Return a line for each planned time: the local time, how far away, what daylight saving did."""
    rows = [
        [shown, show_distance(one.at, now), one.note or ""] for shown, one in zip(show_times(times), times, strict=True)
    ]
    return _draw(_TIMES, rows, output, indent)


def history_lines(schedule: Schedule, most: int, zone: str, output: Output, *, indent: str = "") -> list[str]:
    """Return a line for each of the newest entries, the newest first: its planned time, and what became of it."""
    rule, entries = schedule.definition.rule, schedule.history[::-1][:most]
    starts = [describe_time(rule, _start_of(entry), zone) for entry in entries]
    ends = [describe_time(rule, _end_of(entry), zone) for entry in entries]
    told = [_tell_entry(entry, show_end(*span), output) for entry, *span in zip(entries, starts, ends, strict=True)]
    rows = [[shown, *cells] for shown, cells in zip(show_times(starts), told, strict=True)]
    return _draw(_HISTORY, rows, output, indent)


def schedule_lines(schedule: Schedule, zone: str, now: datetime, output: Output) -> Iterator[str]:
    """Give everything about a schedule; `zone` is that of times whose rule has none."""
    for line in _facts(schedule, now, output):
        yield from fold(line, output.width, hang=_LABEL_WIDTH)
    if times := list_next(schedule, NEXT_SHOWN, zone):
        yield ""
        yield "next, once it is resumed:" if schedule.paused else "next:"
        yield from next_lines(times, now, output, indent=_INDENT)
    if schedule.history:
        yield ""
        yield "last:"
        yield from history_lines(schedule, LAST_SHOWN, zone, output, indent=_INDENT)
    yield ""
    yield from step_lines(_next_steps(schedule), output)


def describe_next(schedule: Schedule, zone: str, now: datetime) -> str:
    """Return when a schedule runs next, for the line that says that it was defined."""
    if schedule.paused is not None:
        return "paused"
    times = list_next(schedule, 1, zone)
    if not times:
        return "it runs no more"
    offset = jitter_offset(schedule.definition)
    jitter = f", and {humanize(offset)} of jitter" if offset else ""
    return f"next on {show_times(times)[0]}, {show_distance(times[0].at, now)}{jitter}"


def _draw(columns: Sequence[Column], rows: Sequence[Sequence[str]], output: Output, indent: str) -> list[str]:
    width = None if output.width is None else max(output.width - len(indent), 1)
    return [f"{indent}{line}" for line in draw_table(columns, rows, width=width)]


def _start_of(entry: Entry) -> datetime:
    return entry.planned if isinstance(entry, Run) else entry.first


def _end_of(entry: Entry) -> datetime:
    return entry.planned if isinstance(entry, Run) else entry.last


def _tell_entry(entry: Entry, last: str, output: Output) -> list[str]:
    """Return what became of planned times, how long it took, and which job it was or why there is none."""
    match entry:
        case Run():
            took = entry.finished_at - entry.started_at if entry.started_at and entry.finished_at else None
            how = [entry.kind] if entry.kind != "planned" else ["made up for"] if entry.missed else []
            return [_show_run(entry, output), "" if took is None else short_duration(took), " ".join((entry.job, *how))]
        case Skipped():
            most = "at least " if entry.more else ""
            number = "" if entry.count == 1 else f", {most}{entry.count:,} times until {last}"
            return [output.paint("skipped", "yellow"), "", f"{entry.reason}{number}"]
        case Backfilled():
            there = f", {entry.existed:,} were there" if entry.existed else ""
            return ["backfilled", "", f"{count(entry.submitted, 'job')} until {last}{there}"]


def _show_run(run: Run, output: Output) -> str:
    if run.forgotten:
        return "forgotten"
    if run.state is None:
        return output.paint("started", "cyan")
    reason = "" if run.reason in {None, Reason.EXIT} else f": {run.reason}"
    return output.paint(f"{run.state}{reason}", STYLES[run.state]) if run.state in STYLES else str(run.state)


def _show_last(history: Sequence[Entry], now: datetime, output: Output) -> str:
    for entry in reversed(history):
        match entry:
            case Run():
                return f"{_show_run(entry, output)} {age(entry.finished_at or entry.planned, now)} ago"
            case Skipped():
                return f"{output.paint('skipped', 'yellow')} {age(entry.at, now)} ago"
            case Backfilled():
                continue
    return "-"


def _facts(schedule: Schedule, now: datetime, output: Output) -> Iterator[str]:
    definition = schedule.definition
    yield _field("schedule", output.paint(schedule.name, "bold"))
    yield _field("state", _tell_state(schedule, now, output))
    table = to_table(definition)
    if isinstance(rule := definition.rule, CronRule):
        yield _field("cron", f"{rule.expression} in {rule.tz}" + ("" if rule.dst == "once" else f", dst {rule.dst}"))
    shown = {key: value for key, value in table.items() if key not in {"cron", "tz", "dst"}}
    yield from (_field(key, one_line(show_value(value))) for key, value in shown.items())
    if offset := jitter_offset(definition):
        yield _field("", f"each runs {humanize(offset)} after its planned time")
    by = f" by {one_line(schedule.defined_by)}" if schedule.defined_by else ""
    where = ", in a file" if definition.declared else ""
    yield _field("defined", f"{clock(schedule.defined_at, now)}{by}, revision {schedule.revision}{where}")
    runs = f"{schedule.runs:,} as planned"
    succeeded, ended = count_success(schedule.history)
    rate = f"; of the last {ended:,} that ended {succeeded:,} succeeded ({succeeded * 100 // ended} %)" if ended else ""
    yield _field("runs", runs + rate)
    if durations := list_durations(schedule.history)[-LAST_SHOWN:]:
        usual = "" if len(durations) < _FEW else f", usually {short_duration(middle(durations))}"
        yield _field("took", f"{show_trend(durations, output)}{usual}")


def _tell_state(schedule: Schedule, now: datetime, output: Output) -> str:
    state = show_state(describe_schedule(schedule).state, output)
    if schedule.paused is not None:
        note = f": {one_line(schedule.paused.note)}" if schedule.paused.note else ""
        return f"{state} since {clock(schedule.paused.since, now)}{note}"
    trouble = find_trouble(schedule.history)
    waiting = len(schedule.waiting) + len(schedule.starting)
    return "".join((state, f": {one_line(trouble)}" if trouble else "", f", {waiting:,} waiting" if waiting else ""))


def _field(label: str, value: str) -> str:
    return f"{label:<{_LABEL_WIDTH}}{value}"


def _next_steps(schedule: Schedule) -> Iterator[tuple[str, str]]:
    name = schedule.name
    if schedule.paused is not None:
        yield f"tq schedule resume {name}", "let it go on"
    else:
        yield f"tq schedule pause {name}", "start nothing more for now"
    yield f"tq schedule run {name}", "run it now"
    if any(isinstance(entry, Run) for entry in schedule.history):
        yield f"tq schedule history {name}", "what ran, and what was skipped"
