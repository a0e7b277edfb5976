"""Wrong words for `tq schedule`: each is told before any broker is asked."""

from __future__ import annotations

import pytest

from tqcli.cli.app import run

NOBODY = ("--server", "nats://127.0.0.1:1", "schedule")
COMMAND = ("--", "true")


def refuse(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what is told of a wrong line, which sends nothing; within this process: that is quicker."""
    assert run([*NOBODY, *words]) == 2
    told = capfd.readouterr()
    assert told.out == ""
    return told.err


ADD = {
    COMMAND: "nothing says when it runs",
    ("--cron", "61 * * * *", *COMMAND): "\n  61 * * * *\n  ^\nhint: write 0-59",
    ("--cron", "* * * * tux", *COMMAND): "\n  * * * * tux\n          ^\nhint: ",
    ("--cron", "* * * *", *COMMAND): "\n  * * * *\n         ^\nhint: ",
    ("--cron", f"{'1,' * 99}x * * * *", *COMMAND): "at position 199",
    ("--cron", "* * * * *", "--tz", "Europe/Berln", *COMMAND): "did you mean 'Europe/Berlin'?",
    ("--cron", "* * * * *", "--every", "5m", *COMMAND): "not cron and every",
    ("--every", "10ms", *COMMAND): "less than a second",
    ("--every", "5m", "--dst", "skip", *COMMAND): "dst says what",
    ("--at", "2001-01-01T00:00", *COMMAND): "--at: '2001-01-01T00:00' has passed: it meant 2001-01-01 00:00",
    ("--at", "5m", *COMMAND): "hint: write --in 5m for a time from now: tq submit has it",
    ("--every", "1h", "--until", "2001-01-01T00:00", *COMMAND): "--until: '2001-01-01T00:00' has passed",
    ("--every", "1h", "--until", "2100-01-01T00:00", "--max-runs", "0", *COMMAND): "--max-runs: ",
    ("--every", "1h"): "nothing says what the schedule 'x' runs",
    ("--every", "1h", "--catch-up", "all", *COMMAND): "--catch-up: ",
    ("--every", "1h", "--overlap", "skp", *COMMAND): "did you mean 'skip'?",
    ("--every", "1h", "--jitter", "2d", *COMMAND): "the jitter must be",
    ("--every", "1h", "--note", "", *COMMAND): "--note: ",
    ("--every", "1h", "--in", "5s", *COMMAND): "has no option '--in'",
    ("--every", "1h", "--key", "k", *COMMAND): "has no option '--key'",
}


@pytest.mark.parametrize("words", ADD, ids=" ".join)
def test_wrong_schedule_is_not_added(capfd: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    """The message says which option, and what to do."""
    assert ADD[words] in refuse(capfd, "add", "x", *words)


def test_long_expression_is_not_shown_again(capfd: pytest.CaptureFixture[str]) -> None:
    """A mark below a folded line would point anywhere."""
    assert "^" not in refuse(capfd, "add", "x", "--cron", f"{'1,' * 99}x * * * *", *COMMAND)


def test_wrong_name_is_not_added(capfd: pytest.CaptureFixture[str]) -> None:
    """It would be part of a subject."""
    assert "'a.b' can't name a schedule" in refuse(capfd, "add", "a.b", "--every", "1h", *COMMAND)


def test_zone_of_the_machine_without_a_name_has_to_be_given(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong setting, not a wrong option."""
    monkeypatch.setenv("TZ", "CET-1CEST")
    assert run([*NOBODY, "add", "x", "--cron", "@daily", *COMMAND]) == 78
    assert "--tz" in capfd.readouterr().err


NEXT = {
    (): "nothing says which schedule",
    ("x", "--cron", "@daily"): "a schedule has its own cron expression",
    ("x", "--tz", "UTC"): "a schedule has its own zone",
    ("--cron", "0 0 31 2 *"): "never matches",
    ("--cron", "@reboot"): "names no time",
    ("--cron", "@daily", "-n", "0"): "--number: 0 is too small",
}


@pytest.mark.parametrize("words", NEXT, ids=" ".join)
def test_preview_of_nothing_is_told(capfd: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    """With what to write."""
    assert NEXT[words] in refuse(capfd, "next", *words)
