"""`tq schedule`: defining schedules, steering them, and what became of their planned times."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.quick import QuickTq
from tqcli.client.query import resolve
from tqcli.core.ids import parse_job_id
from tqcli.core.job import Job

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tests.support.tq import Tq

DAILY = ("--cron", "30 4 * * *", "--tz", "Europe/Berlin")


@pytest.fixture
def tq(tq: Tq, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tq:
    """Return a `tq` that is called within this process."""
    return QuickTq(tq, capfd, monkeypatch)


def load(tq: Tq, name: str) -> dict[str, Any]:
    """Return a schedule as `tq schedule show --json` has it."""
    document: dict[str, Any] = json.loads(tq("schedule", "show", name, "--json").stdout)
    return document


def list_names(tq: Tq) -> list[str]:
    """Return the names that `tq schedule ls --json` has."""
    return [one["name"] for one in json.loads(tq("schedule", "ls", "--json").stdout)]


@pytest.mark.usefixtures("stage")
def test_schedule_is_added_with_the_options_of_a_job(tq: Tq) -> None:
    """One line says when it runs next, in its zone; without an agent, a warning says so."""
    options = ("--retries", "2", "-e", "K=v", "--overlap", "queue", "--jitter", "5m", "--note", "the big one")
    done = tq("schedule", "add", "nightly", *DAILY, *options, "--", "./backup.sh", "a b")
    assert done.code == 0, done.stderr
    assert done.text.startswith("schedule nightly added: next on ")
    assert " 04:30 CE" in done.text
    assert ", in " in done.text
    assert "no agent serves the queue default now: `tq agent -q default` starts one" in done.stderr
    shown = load(tq, "nightly")
    assert (shown["state"], shown["rule"], shown["runs"]) == ("active", "30 4 * * * Europe/Berlin", 0)
    assert shown["options"] == {
        "cron": "30 4 * * *",
        "tz": "Europe/Berlin",
        "overlap": "queue",
        "jitter": "5m",
        "note": "the big one",
        "command": ["./backup.sh", "a b"],
        "retries": 2,
        "env": {"K": "v"},
        "directory": str(tq.home),
    }
    assert len(shown["next"]) == 5
    assert tq("schedule", "ls").text.splitlines()[1].split()[:6] == ["nightly", "30", "4", "*", "*", "*"]


@pytest.mark.usefixtures("stage")
def test_zone_is_that_of_the_machine(tq: Tq) -> None:
    """Kept by its name, and printed."""
    done = tq("schedule", "add", "x", "--cron", "0 9 * * *", "--", "true", env={"TZ": "Asia/Tokyo"})
    assert " 09:00 JST, in " in done.text
    assert load(tq, "x")["options"]["tz"] == "Asia/Tokyo"


def test_name_in_use_is_a_conflict_unless_it_is_to_be_replaced(tq: Tq, stage: Stage) -> None:
    """Then it is the next revision."""
    stage.announce("host-a")
    assert tq("schedule", "add", "x", "--every", "1h", "--", "true").stderr == ""
    done = tq("schedule", "add", "x", "--every", "2h", "--", "true")
    assert (done.code, done.stdout) == (4, b"")
    assert "--replace" in done.stderr
    done = tq("schedule", "add", "x", "--every", "2h", "--replace", "--paused", "--", "true")
    assert (done.code, done.text.partition(":")[0]) == (0, "schedule x changed, revision 2")
    assert load(tq, "x")["options"]["every"] == "2h"


@pytest.mark.usefixtures("stage")
def test_paused_schedule_goes_on_when_it_is_resumed(tq: Tq) -> None:
    """The note says why it does not."""
    assert tq("schedule", "add", "x", *DAILY, "--paused", "--", "true").text == "schedule x added: paused"
    assert tq("schedule", "pause", "x", "--note", "disk full").text == "schedule x paused"
    assert "paused since" in (text := tq("schedule", "show", "x").text)
    assert "disk full" in text
    assert tq("schedule", "ls").text.splitlines()[1].split()[-1] == "paused"
    assert tq("schedule", "resume", "x").text.startswith("schedule x resumed: next on ")
    assert load(tq, "x")["paused_since"] is None


def test_run_prints_the_jobs_id(tq: Tq, stage: Stage) -> None:
    """The job says which schedule it is of; what became of it is in the history."""
    tq("schedule", "add", "x", *DAILY, "--", "true")
    ran = tq("schedule", "run", "x")
    job = stage.run(resolve(stage.broker, parse_job_id(ran.text)))
    assert isinstance(job, Job)
    assert (job.schedule, job.name) == ("x", "x")
    assert tq("status", "@last", "--json").stdout == tq("status", ran.text, "--json").stdout
    (entry,) = json.loads(tq("schedule", "history", "x", "--json").stdout)
    assert (entry["is"], entry["kind"], entry["job"], entry["state"]) == ("run", "manual", ran.text, "queued")
    assert tq("schedule", "history", "x").text.splitlines()[1].endswith(f"{ran.text} manual")


@pytest.mark.usefixtures("stage")
def test_backfill_runs_what_was_planned_once(tq: Tq) -> None:
    """A dry run shows the times; repeated, nothing runs again."""
    tq("schedule", "add", "x", *DAILY, "--", "true")
    end = datetime.now(UTC) - timedelta(days=1)
    span = ("--from", (end - timedelta(days=3)).isoformat(), "--to", end.isoformat())
    preview = tq("schedule", "backfill", "x", *span, "--dry-run")
    assert len(preview.text.splitlines()) == 3
    assert tq("schedule", "backfill", "x", *span).text == "schedule x: 3 jobs submitted"
    assert tq("schedule", "backfill", "x", *span).text == "schedule x: 0 jobs submitted; 3 were there already"
    wrong = tq("schedule", "backfill", "x", "--from", span[3], "--to", span[1])
    assert (wrong.code, "--to is before --from" in wrong.stderr) == (2, True)


@pytest.mark.usefixtures("stage")
def test_removed_schedule_is_gone(tq: Tq) -> None:
    """A name that is none has a near one."""
    tq("schedule", "add", "nightly", "--every", "1h", "--", "true")
    wrong = tq("schedule", "rm", "nigthly")
    assert (wrong.code, wrong.stdout) == (3, b"")
    assert "did you mean 'nightly'?" in wrong.stderr
    assert tq("schedule", "rm", "nightly").text == "schedule nightly removed"
    assert list_names(tq) == []


def test_unused_broker_says_what_to_type_next(tq: Tq) -> None:
    """On stderr: there is no data."""
    done = tq("schedule", "ls")
    assert (done.code, done.stdout) == (0, b"")
    assert "tq schedule add" in done.stderr


def test_schedule_for_a_queue_that_is_none_is_not_added(tq: Tq) -> None:
    """It would be skipped for ever."""
    done = tq("schedule", "add", "x", "--every", "1h", "-q", "gpu", "--", "true")
    assert (done.code, "no queue 'gpu'" in done.stderr) == (3, True)


@pytest.mark.usefixtures("stage")
def test_status_tells_how_many_there_are_and_which_is_next(tq: Tq) -> None:
    """On its one screen."""
    tq("schedule", "add", "daily", *DAILY, "--", "true")
    tq("schedule", "add", "soon", "--every", "1h", "--", "true")
    assert "planned 2 schedules, next soon in " in tq("status").text
    schedules = json.loads(tq("status", "--json").stdout)["schedules"]
    assert (schedules["total"], schedules["paused"], schedules["next"]) == (2, 0, "soon")


def test_near_commands_are_suggested(tq: Tq) -> None:
    """As for every other command."""
    assert "did you mean `tq schedule ls`?" in tq("schedule", "list").stderr
    assert "did you mean `tq schedule`?" in tq("schedules").stderr
