"""`tq schedule apply`: schedules declared in files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.quick import QuickTq

if TYPE_CHECKING:
    from tests.support.tq import Tq

NIGHTLY = """
[nightly]
cron = "30 4 * * *"
tz = "Europe/Berlin"
command = ["./backup.sh"]
"""
HOURLY = """
[hourly]
every = "1h"
shell = "date"
paused = true
"""


@pytest.fixture
def tq(tq: Tq, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tq:
    """Return a `tq` that is called within this process."""
    return QuickTq(tq, capfd, monkeypatch)


@pytest.mark.usefixtures("stage")
def test_files_are_applied_once_and_shown_before(tq: Tq) -> None:
    """A dry run shows the same, and does nothing; the second time, nothing changes."""
    folder = tq.home / "schedules"
    folder.mkdir()
    (folder / "a.toml").write_text(NIGHTLY)
    (folder / "b.toml").write_text(HOURLY)
    dry = tq("schedule", "apply", str(folder), "--dry-run")
    assert dry.text.splitlines()[-1] == "2 added, 0 unchanged; this was a dry run: nothing was done"
    assert tq("schedule", "ls", "--json").stdout == b"[]\n"
    done = tq("schedule", "apply", str(folder))
    assert done.text.splitlines()[:-1] == dry.text.splitlines()[:-1]
    assert done.text.splitlines()[0] == "+ hourly  every 1h, paused"
    assert done.text.splitlines()[1].startswith("+ nightly  30 4 * * * Europe/Berlin, next on ")
    assert "no agent serves the queue default now" in done.stderr
    again = tq("schedule", "apply", str(folder), "--prune")
    assert (again.code, again.text, again.stderr) == (0, "2 unchanged", "")

    (folder / "a.toml").write_text(NIGHTLY.replace("30 4", "30 5"))
    (folder / "b.toml").unlink()
    tq("schedule", "add", "by_hand", "--every", "1h", "--", "true")
    done = tq("schedule", "apply", str(folder), "--prune", "--dry-run", "--json")
    assert json.loads(done.stdout) == {
        "dry_run": True,
        "added": [],
        "removed": ["hourly"],
        "unchanged": [],
        "changed": [{"name": "nightly", "fields": [{"option": "cron", "old": "30 4 * * *", "new": "30 5 * * *"}]}],
    }
    done = tq("schedule", "apply", str(folder), "--prune")
    assert done.text.splitlines() == [
        "- hourly",
        "~ nightly",
        "    cron  30 4 * * *  →  30 5 * * *",
        "1 changed, 1 removed, 0 unchanged",
    ]
    assert [one["name"] for one in json.loads(tq("schedule", "ls", "--json").stdout)] == ["by_hand", "nightly"]


@pytest.mark.usefixtures("stage")
def test_nothing_is_applied_where_anything_is_wrong(tq: Tq) -> None:
    """A mistake in a file, and a queue that is none."""
    file = tq.home / "all.toml"
    file.write_text(NIGHTLY + '[x]\nevery = "1h"\nshell = "date"\nretires = 3\n')
    done = tq("schedule", "apply", "all.toml")
    assert (done.code, done.stdout) == (2, b"")
    assert "all.toml: [x]: there is no option 'retires'" in done.stderr
    assert "did you mean 'retries'?" in done.stderr
    file.write_text(NIGHTLY + '[x]\nevery = "1h"\nshell = "date"\nqueue = "gpu"\n')
    done = tq("schedule", "apply", "all.toml")
    assert (done.code, done.stdout) == (3, b"")
    assert "schedule x: no queue 'gpu'" in done.stderr
    assert tq("schedule", "ls", "--json").stdout == b"[]\n"


@pytest.mark.usefixtures("stage")
def test_pause_in_a_file_is_kept_and_ended(tq: Tq) -> None:
    """Where it does not say, an operator's stays."""
    file = tq.home / "all.toml"
    file.write_text(HOURLY)
    tq("schedule", "apply", "all.toml")
    file.write_text(HOURLY.replace("paused = true", ""))
    assert tq("schedule", "apply", "all.toml").text == "1 unchanged"
    file.write_text(HOURLY.replace("true", "false"))
    assert "    paused  yes  →  no" in tq("schedule", "apply", "all.toml").text
    assert json.loads(tq("schedule", "show", "hourly", "--json").stdout)["state"] == "active"
