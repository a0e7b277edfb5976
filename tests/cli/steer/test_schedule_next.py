"""`tq schedule next`: when a schedule runs, before there is one, and after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.quick import QuickTq

if TYPE_CHECKING:
    from tests.support.tq import Tq

NOBODY = ("--server", "nats://127.0.0.1:1")


@pytest.fixture
def tq(tq: Tq, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tq:
    """Return a `tq` that is called within this process."""
    return QuickTq(tq, capfd, monkeypatch)


def test_preview_needs_no_broker(tq: Tq) -> None:
    """The local time of the zone, and how far away."""
    done = tq(*NOBODY, "schedule", "next", "--cron", "30 4 * * mon", "--tz", "Asia/Tokyo", "-n", "2")
    assert done.code == 0, done.stderr
    assert [line.split()[0::2][:2] for line in done.text.splitlines()] == [["Mon", "04:30"]] * 2
    assert all(" JST  in " in line for line in done.text.splitlines())


def test_change_of_the_clocks_is_marked(tq: Tq) -> None:
    """In a year, each rule says something else."""
    words = (*NOBODY, "schedule", "next", "--cron", "30 2 * * *", "--tz", "Europe/Berlin", "-n", "370", "--json")
    notes = [one["note"] for one in json.loads(tq(*words).stdout) if one["note"]]
    assert {note.partition(":")[0] for note in notes} == {"moved", "first of two 02"}
    notes = [one["note"] for one in json.loads(tq(*words, "--dst", "both").stdout) if one["note"]]
    assert {note.partition(":")[0] for note in notes} == {"first of two 02", "second of two 02"}
    assert not [one["note"] for one in json.loads(tq(*words, "--tz", "UTC").stdout) if one["note"]]


@pytest.mark.usefixtures("stage")
def test_schedule_runs_when_the_preview_said(tq: Tq) -> None:
    """Both are computed as agents do."""
    rule = ("--cron", "30 2 * * *", "--tz", "Europe/Berlin", "--dst", "both")
    tq("schedule", "add", "x", *rule, "--", "true")
    preview = tq("schedule", "next", *rule, "-n", "200", "--json").stdout
    assert tq("schedule", "next", "x", "-n", "200", "--json").stdout == preview
