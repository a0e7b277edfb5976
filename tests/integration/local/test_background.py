"""`tq up` and `tq down`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.local.folder import (
    ROOT,
    STAND_IN,
    await_empty,
    await_names,
    is_alive,
    is_answering,
    running_in,
    take,
)
from tests.support.eventually import eventually
from tqcli.errors import InvalidInput
from tqcli.local.background import Kept, keep_local, local_status, release_local

if TYPE_CHECKING:
    from pathlib import Path

_UP = """\
import pathlib, sys
from tqcli.local.background import keep_local
keep_local(state=pathlib.Path(sys.argv[1]), command=sys.argv[2:])
"""


def up(state: Path, *, slots: int | None = None) -> Kept:
    """Keep it, with a stand-in for the agent."""
    return keep_local(state=state, slots=slots, command=STAND_IN)


def test_up_stays_until_down(state: Path) -> None:
    """With nobody using it."""
    kept = up(state)
    assert not kept.before
    assert kept.status.kept
    assert is_answering(kept.status.endpoint)
    await_names(state, "keeper", "nats-server", "sleep")
    assert release_local(state=state)
    assert running_in(state) == []


def test_up_twice_says_so_and_changes_nothing(state: Path) -> None:
    """Whatever it asks for the second time."""
    first, second = up(state), up(state, slots=7)
    assert second.before
    assert second.status.keeper_pid == first.status.keeper_pid
    assert second.status.slots is None
    release_local(state=state)


def test_down_twice_says_so(state: Path) -> None:
    """And is fine; so is a folder that never was."""
    up(state)
    assert [release_local(state=state) for _ in range(2)] == [True, False]
    assert not release_local(state=state / "never")


def test_up_while_a_command_uses_it_makes_it_stay(state: Path) -> None:
    """The same server, the same port."""
    with take(state, agent=False) as hold:
        kept = up(state)
        assert not kept.before
        assert kept.status.endpoint == hold.endpoint
    assert is_answering(kept.status.endpoint)
    await_names(state, "keeper", "nats-server", "sleep")
    release_local(state=state)


def test_up_takes_the_agent_that_runs(state: Path) -> None:
    """With the slots that it has: its jobs are not to be disturbed."""
    with take(state) as hold:
        kept = up(state, slots=7)
        assert not kept.before
        assert kept.status.agent_pid == hold.status.agent_pid
        assert kept.status.slots is None
    release_local(state=state)


def test_commands_come_and_go_while_it_is_up(state: Path) -> None:
    """None of them ends it."""
    up(state)
    for _ in range(3):
        with take(state) as hold:
            assert is_answering(hold.endpoint)
    assert local_status(state=state) is not None
    release_local(state=state)


def test_down_stops_it_also_while_it_is_used(state: Path) -> None:
    """The user said so; who comes next starts it anew."""
    up(state)
    with take(state) as old:
        assert release_local(state=state)
        assert running_in(state) == []
        with take(state) as new:
            assert new.status.keeper_pid != old.status.keeper_pid
            assert is_answering(new.endpoint)
    assert running_in(state) == []


def test_down_leaves_a_command_its_own_broker(state: Path) -> None:
    """Nothing is up: it runs for that command's duration."""
    with take(state) as hold:
        assert not release_local(state=state)
        assert is_answering(hold.endpoint)


def test_status_tells_what_runs_and_starts_nothing(state: Path) -> None:
    """None for nothing."""
    assert local_status(state=state) is None
    assert not state.exists()
    kept = up(state, slots=3)
    status = local_status(state=state)
    assert status is not None
    assert (status.kept, status.agent, status.slots) == (True, True, 3)
    assert status.keeper_pid == kept.status.keeper_pid
    release_local(state=state)
    assert local_status(state=state) is None


def test_slots_reach_the_agent(state: Path) -> None:
    """As an option after its command."""
    keep_local(state=state, slots=3, command=("/bin/sh", "-c", 'echo "$@" > words; exec sleep 1000', "agent"))
    words = state / "words"
    assert eventually(lambda: words.exists() and words.read_text(), timeout_s=5) == "--slots 3\n"
    release_local(state=state)


@pytest.mark.parametrize("slots", [0, -1, 1_000_000])
def test_senseless_slots_start_nothing(state: Path, slots: int) -> None:
    """They are refused first."""
    with pytest.raises(InvalidInput, match="slots"):
        up(state, slots=slots)
    assert not state.exists()


def test_up_outlives_the_command_and_its_pipes(state: Path) -> None:
    """`tq up | cat` ends, also where the caller's shell had further files open."""
    read, write = os.pipe()
    done = subprocess.run(
        [sys.executable, "-c", _UP, str(state), *STAND_IN],
        cwd=ROOT,
        pass_fds=(write,),
        capture_output=True,
        check=True,
        timeout=20,
    )
    os.close(write)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert os.read(read, 1) == b""
    os.close(read)
    await_names(state, "keeper", "nats-server", "sleep")
    assert release_local(state=state)


def test_up_works_with_stdin_stdout_and_stderr_closed(state: Path) -> None:
    """As under some init systems."""
    subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", _UP, str(state), *STAND_IN],
        cwd=ROOT,
        check=True,
        timeout=20,
    )
    await_names(state, "keeper", "nats-server", "sleep")
    assert release_local(state=state)


def test_signals_of_the_caller_are_not_the_keepers(state: Path) -> None:
    """One that blocks TERM and ignores its children's end, here; the keeper lives by both."""
    odd = """\
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
"""
    subprocess.run([sys.executable, "-c", odd + _UP, str(state), *STAND_IN], cwd=ROOT, check=True, timeout=20)
    old = local_status(state=state)
    assert old is not None
    assert old.agent_pid is not None
    os.kill(old.agent_pid, signal.SIGKILL)
    eventually(lambda: _agent_of(state) not in {None, old.agent_pid}, timeout_s=5)
    assert release_local(state=state)
    assert running_in(state) == []


def _agent_of(state: Path) -> int | None:
    status = local_status(state=state)
    return None if status is None else status.agent_pid


def test_keeper_is_in_a_session_of_its_own(state: Path) -> None:
    """Ctrl-C in the terminal is not for it."""
    kept = up(state)
    assert os.getsid(kept.status.keeper_pid) != os.getsid(0)
    release_local(state=state)


def test_up_after_kill_9_of_everything_starts_anew(state: Path) -> None:
    """What was left says nothing."""
    kept = up(state)
    for pid in running_in(state):
        os.kill(pid, signal.SIGKILL)
    await_empty(state, 5)
    assert local_status(state=state) is None
    assert not release_local(state=state)
    again = up(state)
    assert not again.before
    assert again.status.keeper_pid != kept.status.keeper_pid
    assert release_local(state=state)


def test_flag_of_a_dead_keeper_does_not_make_the_next_one_stay(state: Path) -> None:
    """`tq up` ended with its keeper."""
    kept = up(state)
    os.kill(kept.status.keeper_pid, signal.SIGKILL)
    await_empty(state, 5)
    with take(state) as hold:
        assert not hold.status.kept
    assert running_in(state) == []


def test_removed_folder_ends_the_keeper(state: Path) -> None:
    """Nobody could reach it any more, not even to stop it."""
    kept = up(state)
    shutil.rmtree(state)
    # Any child's end wakes the keeper, which would look by itself every ten seconds.
    assert kept.status.agent_pid is not None
    os.kill(kept.status.agent_pid, signal.SIGKILL)
    eventually(lambda: not is_alive(kept.status.keeper_pid), timeout_s=5)
    eventually(lambda: not is_alive(kept.status.server_pid), timeout_s=5)
