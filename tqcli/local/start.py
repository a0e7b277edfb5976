"""See to it that a state folder has a keeper, and that it knows what we want. The caller holds the users' lock."""

from __future__ import annotations

import fcntl
import os
import select
import sys
import time
from datetime import timedelta
from pathlib import Path

import msgspec

import tqcli
from tqcli.core.duration import parse_duration
from tqcli.errors import InvalidInput, SettingsError, TqError, Unavailable
from tqcli.local.files import FIFO, SERVER_FILE, START_LOCK, open_lock
from tqcli.local.find import find_server
from tqcli.local.logs import KEEPER_LOG, open_log
from tqcli.local.status import LocalStatus, read_status
from tqcli.settings.files import refuse_folder
from tqcli.settings.paths import STATE_VARIABLE

SYNC_ALWAYS = "always"
_START_S = 90.0
"""The keeper gives its server a minute; this is for a keeper that hangs."""
_POLL_S = 0.005
_ANSWER_BYTES = 1 << 16
_MILLISECOND = timedelta(milliseconds=1)
_KEEPER = "import sys; sys.path.append(sys.argv.pop(1)); from tqcli.local.keeper import main; main()"
"""Without Python's site module (-S), which would take a quarter of the keeper's start."""
_ERRORS: dict[str, type[TqError]] = {"SettingsError": SettingsError, "Unavailable": Unavailable}


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """What a command wants of the keeper. `sync` counts where it is started; `command` replaces the agent's."""

    agent: bool = False
    slots: int | None = None
    keep: bool = False
    sync: str = SYNC_ALWAYS
    command: tuple[str, ...] | None = None

    @property
    def wishes(self) -> str:
        """The same in the keeper's words."""
        agent = "" if not self.agent else "agent\n" if self.slots is None else f"agent {self.slots}\n"
        return f"{agent}keep\n" if self.keep else agent

    def is_met(self, status: LocalStatus) -> bool:
        """Return whether the keeper knows it."""
        return (status.agent or not self.agent) and (status.kept or not self.keep)


def parse_sync(text: str | None) -> str:
    """Return the value for nats-server's `sync_interval`: `always` (also for None), or the duration.

    Raises:
        InvalidInput: it is neither, or shorter than a millisecond.
    """
    if text is None or text == SYNC_ALWAYS:
        return SYNC_ALWAYS
    interval_ms = parse_duration(text) // _MILLISECOND
    if interval_ms < 1:
        msg = f"the sync interval {text!r} is too short"
        raise InvalidInput(msg, hint="`always` syncs each write; the shortest interval is 1ms")
    # nats-server has no unit for days.
    return f"{interval_ms}ms" if interval_ms % 1000 else f"{interval_ms // 1000}s"


def ensure_keeper(state: Path, want: Want) -> LocalStatus:
    """Return what runs in the folder once everything we want runs.

    Raises:
        SettingsError: the folder can't be used, or nats-server is missing or too old.
        Unavailable: the server does not start.
    """
    deadline = time.monotonic() + _START_S
    while True:
        status = read_status(state)
        if status is None:
            _start_alone(state, want)
        elif want.is_met(status):
            return status
        else:
            poke(state, want.wishes)
            time.sleep(_POLL_S)
        if time.monotonic() > deadline:
            msg = f"the local broker in {state} neither serves nor ends"
            raise Unavailable(msg, hint=f"see {KEEPER_LOG} there")


def poke(state: Path, wishes: str) -> None:
    """Tell the keeper, if there is one."""
    try:
        fd = os.open(f"{state}/{FIFO}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        # There is no keeper: nobody reads, or the fifo is gone.
        return
    try:
        os.write(fd, wishes.encode())
    except OSError:
        # It left just now, or has more than it can read; the caller looks again.
        return
    finally:
        os.close(fd)


def _start_alone(state: Path, want: Want) -> None:
    """Start a keeper, unless another command does or did so meanwhile."""
    try:
        lock = open_lock(str(state), START_LOCK)
    except OSError as error:
        raise refuse_folder(state, error, variable=STATE_VARIABLE) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if read_status(state) is None:
            _judge(state, _start(state, want))
    finally:
        os.close(lock)


def _start(state: Path, want: Want) -> str:
    """Return the new keeper's answer; nothing where it died before it could give one."""
    from tqcli.local.launch import start_keeper  # noqa: PLC0415 - most commands find a keeper

    # -P: a file in the user's working directory must not pass for a module of ours.
    python = (sys.executable, "-P")
    agent = want.command or (
        *python,
        "-m",
        "tqcli.agent",
        "--endpoint-file",
        f"{state}/{SERVER_FILE}",
        "--name",
        "local",
    )
    keeper = (*python, "-S", "-c", _KEEPER, str(Path(tqcli.__file__).parent.parent))
    argv = (*keeper, str(state), find_server(), want.sync, want.wishes, *agent)
    try:
        log_fd = open_log(str(state), KEEPER_LOG)
    except OSError as error:
        raise refuse_folder(state, error, variable=STATE_VARIABLE) from error
    ready_fd, write_fd = os.pipe()
    try:
        start_keeper(argv, ready_fd=write_fd, log_fd=log_fd)
    except OSError as error:
        os.close(ready_fd)
        msg = f"python ({sys.executable}) can't be started: {error.strerror}"
        raise SettingsError(msg, hint="is the environment that tq was installed in still there?") from error
    finally:
        os.close(write_fd)
        os.close(log_fd)
    try:
        return _read_answer(ready_fd)
    finally:
        os.close(ready_fd)


def _read_answer(fd: int) -> str:
    answer = b""
    inputs = select.poll()
    inputs.register(fd, select.POLLIN)
    while inputs.poll(_START_S * 1000):
        part = os.read(fd, _ANSWER_BYTES)
        if not part:
            break
        answer += part
    return answer.decode(errors="replace")


def _judge(state: Path, answer: str) -> None:
    """Return where the keeper is ready, or another one has the folder; raise what it says otherwise."""
    kind, _, rest = answer.partition("\n")
    message, _, hint = rest.partition("\n")
    if kind == "ready":
        return
    if kind == "taken":
        # The other is about to be ready, or to be gone.
        time.sleep(_POLL_S)
    elif kind == "OSError":
        raise refuse_folder(state, OSError(int(message), hint), variable=STATE_VARIABLE)
    elif kind in _ERRORS:
        raise _ERRORS[kind](message, hint=hint or None)
    else:
        msg = f"the local broker in {state} did not start"
        raise Unavailable(msg, hint=f"see {KEEPER_LOG} there")
