"""`--in` and `--at`, on the command line and in job files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.cli.jobs.conftest import UNSERVED

if TYPE_CHECKING:
    from tests.support.tq import Tq


def read_delay(tq: Tq) -> timedelta:
    """Return how long after its submission the last job is due."""
    job = json.loads(tq("status", "@last", "--json").text)
    assert job["state"] == "scheduled"
    return datetime.fromisoformat(job["not_before"]) - datetime.fromisoformat(job["submitted_at"])


def test_run_waits_for_its_time(tq: Tq) -> None:
    """And then shows what the job prints, and ends as it ends."""
    done = tq("run", "--in", "1s", "--shell", "--", "echo later; exit 3")
    assert (done.code, done.stdout, done.stderr) == (3, b"later\n", "")
    (job,) = (json.loads(line) for line in tq("ls", "--json", "--limit", "1").text.splitlines())
    due, started = (datetime.fromisoformat(job[key]) for key in ("not_before", "started_at"))
    assert started >= due


def test_each_job_of_a_group_waits(tq: Tq) -> None:
    """`submit --wait` ends when the last has."""
    done = tq("submit", "--wait", "--in", "1s", "--array", "1-3", "--", "true")
    assert (done.code, done.stderr) == (0, "")


def test_scheduled_job_says_when_it_starts(tq: Tq) -> None:
    """And what to type to let it go, or end it."""
    done = tq("submit", "--in", "2h", "-q", UNSERVED, "--", "true")
    assert done.code == 0
    assert read_delay(tq) == timedelta(hours=2)
    shown = tq("status", done.text).text
    assert "starts" in shown
    assert f"tq start {done.text}" in shown
    assert tq("cancel").text == f"cancelled {done.text} (was scheduled)"


@pytest.mark.parametrize("line", ['in = "3h"', 'in = "1h"\n#'])
def test_job_file_may_say_when(tq: Tq, line: str) -> None:
    """An option on the line wins over it."""
    (tq.home / "job.toml").write_text(f'command = ["true"]\nqueue = "{UNSERVED}"\n{line}\n')
    words = [] if "3h" in line else ["--in", "3h"]
    assert tq("submit", "-f", "job.toml", *words).code == 0
    assert read_delay(tq) == timedelta(hours=3)


def test_time_is_that_of_this_machine(tq: Tq) -> None:
    """Where it says no zone of its own."""
    env = {"TZ": "Asia/Tokyo"}
    assert tq("submit", "--at", "2199-06-01T12:00", "-q", UNSERVED, "--", "true", env=env).code == 0
    due = datetime.fromisoformat(json.loads(tq("status", "@last", "--json").text)["not_before"])
    assert due == datetime(2199, 6, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--in", "5x"], "--in: '5x' is not a duration"),
        (["--in", "1h", "--at", "17:30"], "in and at both say when it starts"),
        (["--at", "2020-01-01"], "'2020-01-01' has passed"),
        (["--in", "2h", "--expires", "1h"], "it would expire before it may start"),
    ],
)
def test_wrong_time_is_wrong_usage(tq: Tq, words: list[str], says: str) -> None:
    """Nothing was sent."""
    done = tq("submit", *words, "--", "true")
    assert (done.code, done.stdout) == (2, b"")
    assert says in done.stderr
