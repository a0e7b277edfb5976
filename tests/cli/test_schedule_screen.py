"""Schedules on the screen: what is shown of them, and that it fits."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tqcli.cli.fit import measure
from tqcli.cli.output import Output
from tqcli.cli.render.applying import change_lines
from tqcli.cli.render.schedule import LIST, history_lines, list_row, schedule_lines, show_next
from tqcli.cli.render.trend import draw_bar, show_trend
from tqcli.cli.render.when import show_distance
from tqcli.cli.table import draw_table
from tqcli.core.options import JobOptions
from tqcli.core.schedules.applying import Change, Difference
from tqcli.core.schedules.options import ScheduleOptions, Surroundings, build_definition
from tqcli.core.schedules.planning import define, pause
from tqcli.core.schedules.schedule import Backfilled, Entry, Run, Schedule, Skipped
from tqcli.core.state import Reason, State

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
JOB = "2n18ezxyhh5amf9v"


def make(*history: Entry, note: str | None = None) -> Schedule:
    """Return a schedule with this history."""
    options = ScheduleOptions(cron="30 4 * * *", tz="America/Argentina/Buenos_Aires", jitter=5 * MINUTE, note=note)
    job = JobOptions(command=("./backup.sh", "word " * 30), env={"LONG": "x" * 70})
    definition = build_definition("nightly", options, job, Surroundings(NOW, "UTC", cwd="/srv"))
    return msgspec.structs.replace(define(definition, now=NOW, by="ann@host"), history=history)


def run(state: State | None = State.SUCCEEDED, took_s: float = 1, *, ago: timedelta = MINUTE, **fields: object) -> Run:
    """Return a run that ended so, and so long ago."""
    start = NOW - ago
    end = start + timedelta(seconds=took_s)
    run = Run(planned=start, job=JOB, state=state, started_at=start, finished_at=end)
    return msgspec.structs.replace(run, **fields)


def skipped(reason: str, count: int = 1, *, more: bool = False) -> Skipped:
    """Return so many minutes that were skipped for a reason."""
    return Skipped(first=NOW, last=NOW + MINUTE * (count - 1), count=count, reason=reason, at=NOW, more=more)


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Output:
    """Return an output that is no terminal, in a locale that has blocks."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return Output()


def test_history_says_what_was_skipped_and_why(output: Output) -> None:
    """The newest first: how long it took, which job it was, or why there is none."""
    history = (
        run(State.FAILED, 125, reason=Reason.TIMEOUT),
        run(State.SUCCEEDED, kind="manual"),
        run(None, missed=True),
        run(None, forgotten=True),
        skipped("overlap"),
        skipped("missed", 3),
        skipped("missed", 1_000, more=True),
        Backfilled(first=NOW, last=NOW + MINUTE, submitted=1, existed=2, at=NOW),
    )
    head, *lines = history_lines(make(*history), 20, "UTC", output)
    assert head.split()[:3] == ["PLANNED", "STATE", "TOOK"]
    assert [" ".join(line.partition("UTC-03")[2].split()) for line in lines] == [
        "backfilled 1 job until 09:01, 2 were there",
        "skipped missed, at least 1,000 times until Mon 2026-11-23 01:39",
        "skipped missed, 3 times until 09:02",
        "skipped overlap",
        f"forgotten 1s {JOB}",
        f"started 1s {JOB} made up for",
        f"succeeded 1s {JOB} manual",
        f"failed: timeout 2m {JOB}",
    ]


def test_list_tells_the_newest_thing(output: Output) -> None:
    """A run or a skip; nothing yet is a dash."""
    assert list_row(make(), NOW, output)[3] == "-"
    assert list_row(make(run(State.SUCCEEDED, 30)), NOW, output)[3] == "succeeded 30s ago"
    assert list_row(make(run(State.SUCCEEDED), skipped("overlap")), NOW, output)[3] == "skipped 0ms ago"
    assert list_row(make(run(State.FAILED)), NOW, output)[5] == "trouble"
    assert list_row(pause(make(), now=NOW, note=None), NOW, output)[2] == "-"


def test_schedule_that_nobody_was_there_to_start_is_due() -> None:
    """Rather than next."""
    assert show_next(NOW + MINUTE, NOW) == "in 1m 00s"
    assert show_next(NOW - MINUTE, NOW) == "due 1m 00s ago"


@pytest.mark.parametrize("width", [50, 80, 120])
def test_everything_fits_the_terminal(output: Output, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """But for what has no space in it."""
    monkeypatch.setattr(Output, "width", width)
    history = (run(), skipped("rejected: " + "long " * 30), skipped("missed", 99))
    schedule = pause(make(*history, note="word " * 20 + "end"), now=NOW, note="disk full")
    lines = list(schedule_lines(schedule, "UTC", NOW, output))
    assert [line for line in lines if measure(line) > width and "LONG=" not in line] == []
    assert "paused since" in lines[1]
    rows = draw_table(LIST, [list_row(schedule, NOW, output)], width=width)
    assert all(measure(line) <= width for line in rows)
    assert "nightly" in rows[1]


def test_what_would_move_the_cursor_is_written_out(output: Output) -> None:
    """A reason comes from elsewhere."""
    (_, line) = history_lines(make(skipped("rejected: \x1b[2J")), 1, "UTC", output)
    assert "\x1b" not in line


def test_trend_is_a_bar_on_a_terminal_and_numbers_elsewhere(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """And in a locale that has no blocks."""
    durations = [timedelta(seconds=number) for number in (10, 40, 80)]
    assert draw_bar(durations) == "▁▄█"
    assert draw_bar([timedelta(0)] * 2) == "▁▁"
    assert show_trend(durations, output) == "10s 40s 1m"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for name, value in {"TERM": "xterm", "NO_COLOR": ""}.items():
        monkeypatch.setenv(name, value)
    assert show_trend(durations, Output()) == "▁▄█  10s to 1m"
    monkeypatch.setenv("LC_ALL", "C")
    assert show_trend(durations, Output()) == "10s 40s 1m"
    assert show_trend([], Output()) == ""


def test_difference_that_is_too_long_for_a_line_is_shown_whole(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be cut off may be what changes."""
    differences = (
        Difference(option="shell", old="word " * 20 + "old", new="word " * 20 + "new"),
        Difference(option="retries", old="-", new="2"),
    )
    change = Change(what="changed", name="x", differences=differences)
    assert len(list(change_lines([change], "UTC", NOW, output))) == 3
    monkeypatch.setattr(Output, "width", 60)
    lines = list(change_lines([change], "UTC", NOW, output))
    assert max(map(len, lines)) <= 60
    assert lines[:2] == ["~ x", "    shell"]
    assert lines[-3:] == ["    retries", "      - -", "      + 2"]
    text = " ".join(" ".join(lines).split())
    assert "word old" in text
    assert "word new" in text


def test_distances_are_in_whole_seconds() -> None:
    """Nobody waits for tenths."""
    assert show_distance(NOW + timedelta(seconds=2.7), NOW) == "in 3s"
    assert show_distance(NOW, NOW) == "in 0s"
    assert show_distance(NOW - timedelta(days=2, hours=3), NOW) == "2d 03h ago"
