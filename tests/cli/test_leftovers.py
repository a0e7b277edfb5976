"""`tq run` with nothing configured leaves no process behind, however it ends."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.tq import Tq


def processes_of(tq: Tq) -> list[str]:
    """Return the command lines of all processes that work for this tq: keeper, server, agent, runners, jobs."""
    mark = str(tq.state).encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            if mark in words + (process / "environ").read_bytes():
                found.append(words.replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has just ended
    return found


@pytest.mark.parametrize(
    ("number", "code"), [(None, 0), (signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_nothing_is_left(tq: Tq, number: signal.Signals | None, code: int) -> None:
    """After its end, Ctrl-C, SIGTERM and kill -9: server, agent and the job's own processes are gone."""
    line = "echo started; sleep 1" if number is None else "echo started; setsid sleep 300 & sleep 300"
    with tq.start("run", "--shell", "--", line) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        assert len(processes_of(tq)) > 3
        if number is not None:
            process.send_signal(number)
        assert process.wait(20) == code
    gone: Callable[[], bool] = lambda: processes_of(tq) == []  # noqa: E731
    # A killed one can't wait for the others; each of the others does.
    eventually(gone, 5 if number is signal.SIGKILL else 1)


def test_two_state_folders_never_meet(tq: Tq, tmp_path: Path) -> None:
    """Each has its own server, and its own jobs."""
    first = tq("submit", "--", "true").text
    other = {"TQ_STATE_DIR": str(tmp_path / "other")}
    assert tq("status", first, env=other).code == 3
    assert tq("ls", "--json", env=other).stdout == b""
    assert tq("status", first).code == 0
