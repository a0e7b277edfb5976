"""A schedule as its user sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tqcli.core.options import JobOptions
from tqcli.core.schedules.options import ScheduleOptions, Surroundings, build_definition
from tqcli.core.schedules.planning import define, pause, preview
from tqcli.core.schedules.rule import CronRule
from tqcli.core.schedules.schedule import Backfilled, Entry, Run, Schedule, Skipped
from tqcli.core.schedules.view import (
    count_success,
    describe_entry,
    describe_in_full,
    describe_schedule,
    describe_time,
    list_durations,
    list_next,
    middle,
    preview_rule,
)
from tqcli.core.state import State

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MOVED = "moved: there is no 02:30 on that day"


def make(*history: Entry, **options: object) -> Schedule:
    """Return a schedule at 4:30 in Berlin, with this history."""
    given = {"cron": "30 4 * * *", "tz": "Europe/Berlin"} | options
    around = Surroundings(NOW, "UTC")
    definition = build_definition("x", ScheduleOptions(**given), JobOptions(shell="date"), around)  # type: ignore[arg-type]
    return msgspec.structs.replace(define(definition, now=NOW, by="ann@host"), history=history)


def run(state: State | None, took_s: int = 1) -> Run:
    """Return a run that ended so."""
    return Run(planned=NOW, job="1" * 16, state=state, started_at=NOW, finished_at=NOW + timedelta(seconds=took_s))


def skipped(reason: str) -> Skipped:
    """Return times that were skipped for a reason."""
    return Skipped(first=NOW, last=NOW, count=1, reason=reason, at=NOW)


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ((), "active"),
        ((run(State.FAILED), run(State.SUCCEEDED)), "active"),
        ((run(State.SUCCEEDED), run(State.FAILED)), "trouble"),
        ((run(State.EXPIRED), run(None)), "trouble"),
        ((run(State.FAILED), run(State.RUNNING)), "trouble"),
        ((run(State.FAILED), run(State.CANCELLED)), "active"),
        ((run(State.SUCCEEDED), skipped("overlap")), "active"),
        ((run(State.SUCCEEDED), skipped("no queue")), "trouble"),
        ((run(State.SUCCEEDED), skipped("rejected: too large")), "trouble"),
        ((skipped("no queue"), run(State.SUCCEEDED)), "active"),
    ],
)
def test_trouble_is_what_the_newest_end_says(history: tuple[Entry, ...], state: str) -> None:
    """A run that goes on says nothing yet; what was skipped by its own rules is no trouble."""
    assert describe_schedule(make(*history)).state == state


def test_paused_and_finished_come_before_trouble() -> None:
    """Nothing more follows: that is what to know first."""
    assert describe_schedule(pause(make(run(State.FAILED)), now=NOW, note="n")).state == "paused"
    done = make(run(State.FAILED), cron=None, tz=None, at=NOW - timedelta(days=1))
    assert describe_schedule(done).state == "finished"


def test_success_counts_what_ended_by_itself() -> None:
    """Not what was cancelled, skipped or goes on."""
    history = (run(State.SUCCEEDED), run(State.FAILED), run(State.CANCELLED), run(None), skipped("overlap"))
    assert count_success(history) == (1, 2)


def test_durations_are_those_of_successes() -> None:
    """The oldest first."""
    history = [run(State.SUCCEEDED, 3), run(State.FAILED, 9), run(State.SUCCEEDED, 1), run(State.SUCCEEDED, 2)]
    durations = list_durations(history)
    assert [one.total_seconds() for one in durations] == [3, 1, 2]
    assert middle(durations) == timedelta(seconds=2)


def test_every_entry_says_which_kind_it_is() -> None:
    """With all its fields, also those that hold their default."""
    filled = Backfilled(first=NOW, last=NOW, submitted=1, existed=0, at=NOW)
    assert [describe_entry(one)["is"] for one in (run(None), skipped("missed"), filled)] == [
        "run",
        "skipped",
        "backfilled",
    ]
    assert describe_entry(run(None))["state"] is None


def test_json_has_all_of_it() -> None:
    """Times are RFC 3339 in UTC."""
    document = msgspec.to_builtins(describe_in_full(make(run(State.SUCCEEDED), skipped("missed")), "UTC"))
    assert document["next_at"] == "2026-11-23T03:30:00Z"
    assert document["next"][0] == {
        "at": "2026-11-23T03:30:00Z",
        "local": "2026-11-23T04:30:00+01:00",
        "zone": "Europe/Berlin",
        "note": None,
    }
    assert [entry["is"] for entry in document["history"]] == ["skipped", "run"]
    assert (document["succeeded"], document["ended"], document["durations_s"]) == (1, 1, [1.0])
    assert document["options"] == {"cron": "30 4 * * *", "tz": "Europe/Berlin", "shell": "date"}


@pytest.mark.parametrize(
    ("cron", "dst", "after", "local", "note"),
    [
        ("30 2 * * *", "once", "2026-03-28T02:00:00Z", "2026-03-29T03:00:00+02:00", MOVED),
        ("30 2 * * *", "skip", "2026-03-28T02:00:00Z", "2026-03-30T02:30:00+02:00", None),
        ("0 2,3 * * *", "once", "2026-03-28T03:00:00Z", "2026-03-29T03:00:00+02:00", None),
        ("30 2 * * *", "once", "2026-10-24T01:00:00Z", "2026-10-25T02:30:00+02:00", "first of two 02:30"),
        ("30 2 * * *", "both", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00+01:00", "second of two 02:30"),
        ("30 2 * * *", "once", "2026-10-25T00:30:00Z", "2026-10-26T02:30:00+01:00", None),
        ("30 4 * * *", "once", "2026-10-24T12:00:00Z", "2026-10-25T04:30:00+01:00", None),
    ],
)  # fmt: skip
def test_note_marks_what_daylight_saving_did(cron: str, dst: str, after: str, local: str, note: str | None) -> None:
    """In Berlin, on the days on which the clocks change, and on those around them."""
    rule = CronRule(cron, tz="Europe/Berlin", dst=dst)  # type: ignore[arg-type] # one of three words
    (moment,) = preview_rule(rule, datetime.fromisoformat(after), 1)
    shown = describe_time(rule, moment, "UTC")
    assert (shown.local, shown.note) == (local, note)


def test_preview_before_saving_is_what_the_schedule_will_do() -> None:
    """The same times, however far."""
    schedule = make(cron="30 2 * * *", dst="both")
    assert preview_rule(schedule.definition.rule, NOW, 800) == preview(schedule, 800)
    assert [one.at for one in list_next(schedule, 3, "UTC")] == preview(schedule, 3)


def test_times_of_an_interval_are_shown_in_the_zone_of_who_looks() -> None:
    """It has none of its own."""
    schedule = make(cron=None, tz=None, every=timedelta(hours=1))
    (first,) = list_next(schedule, 1, "Asia/Tokyo")
    assert (first.local, first.zone) == ("2026-11-22T22:00:00+09:00", "Asia/Tokyo")
