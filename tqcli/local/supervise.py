"""What a keeper does all day: hear wishes, start again what crashed, leave when nobody needs it."""

from __future__ import annotations

import os
import select
import signal
import time

from tqcli.local.child import Child
from tqcli.local.files import (
    AGENT_LOG,
    FIFO,
    KEEPER_LOCK,
    PRIVATE_FILE,
    USERS_LOCK,
    is_same_file,
    open_lock,
    open_log,
    try_lock,
)
from tqcli.local.launch import start_child
from tqcli.local.server import USER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tqcli.local.publish import Notice
    from tqcli.local.server import Server

_LOOK_S = 0.5
"""How often to look whether the users are gone: the pause after kill -9 of the last; others tell when they leave."""
_LOOK_KEPT_S = 10.0
"""How often a kept keeper looks whether its folder is still there."""
_PATIENCE_S = 1.6
_PATIENCE_DOWN_S = 10.0
_PATIENCE_SERVER_S = 3.0
_KILLED_S = 1.0
_POLL_S = 0.002
_WISHES_BYTES = 4096


class Supervisor:
    """The server and the agent of the working directory."""

    def __init__(self, server: Server, notice: Notice, *, agent: tuple[str, ...]) -> None:
        """`server` is launched, and perhaps not ready; `agent` is the agent's command."""
        self._server = server
        self._notice = notice
        self._agent_command = agent
        self._slots: int | None = None
        self._kept = False
        self._told_to_stop = False
        self._umask = os.umask(0)
        os.umask(self._umask)
        self._nats = Child("nats-server", server.launch, may_leave=False, pid=server.pid)
        self._agent = Child("agent", self._start_agent, may_leave=True)
        self._users = open_lock(".", USERS_LOCK)
        self._fifo = _open_fifo()
        self._wake = _catch_signals()
        self._started_at = time.time()

    def begin(self, wishes: str) -> None:
        """Publish the server, which is ready, and do what was wished at the start."""
        self._publish()
        self._hear(wishes)
        self._mend(changed=True)

    def run(self) -> None:
        """Return when everything is stopped."""
        inputs = select.poll()
        inputs.register(self._wake, select.POLLIN)
        inputs.register(self._fifo, select.POLLIN)
        while not self._is_over():
            heard = inputs.poll(self._pause_s() * 1000)
            for fd, _ in heard:
                data = os.read(fd, _WISHES_BYTES)
                if fd == self._fifo:
                    self._hear(data.decode(errors="replace"))
                elif signal.SIGTERM in data:
                    self._told_to_stop = True
            self._mend(changed=False)
        self._stop()

    def _is_over(self) -> bool:
        if self._told_to_stop or not is_same_file(KEEPER_LOCK, self._server.store_lock):
            return True
        # Once this succeeds, newcomers wait for the lock until this process is gone.
        return not self._kept and try_lock(self._users, exclusive=True)

    def _pause_s(self) -> float:
        now = time.monotonic()
        pauses = [child.due - now for child in (self._nats, self._agent) if child.due is not None]
        return max(0.0, min([_LOOK_KEPT_S if self._kept else _LOOK_S, *pauses]))

    def _hear(self, wishes: str) -> None:
        """Do as told: `keep`, `agent`, `agent SLOTS`, `check` (look whether you are needed); one per line."""
        for wish in wishes.splitlines():
            word, _, slots = wish.partition(" ")
            if word == "keep" and not self._kept:
                self._kept = True
                self._publish()
            elif word == "agent" and not self._agent.on:
                self._slots = int(slots) if slots.isdigit() else None
                self._agent.turn_on()

    def _mend(self, *, changed: bool) -> None:
        """Notice what ended, start what is due, and publish what is new."""
        for child in (self._nats, self._agent):
            code = child.reap()
            if code is not None:
                changed = True
                _log(f"{child.name} ended with {code}")
            try:
                changed = child.start_if_due() or changed
            except OSError as error:
                _log(f"{child.name} can't be started: {error}")
        if changed:
            self._publish()

    def _publish(self) -> None:
        server = self._server
        facts = {
            "servers": [f"nats://127.0.0.1:{server.port}"],
            "user": USER,
            "password": server.password,
            "version": server.version,
            "sync": server.sync,
            "keeper_pid": os.getpid(),
            "server_pid": self._nats.pid,
            "agent": self._agent.on,
            "agent_pid": self._agent.pid,
            "slots": self._slots,
            "kept": self._kept,
            "started_at": self._started_at,
        }
        try:
            self._notice.publish(facts)
        except OSError as error:
            # The disk is full, say. How to connect stays what it was.
            _log(f"server.json can't be written: {error}")

    def _start_agent(self) -> int:
        slots = () if self._slots is None else ("--slots", str(self._slots))
        log_fd = open_log(".", AGENT_LOG)
        try:
            return start_child((*self._agent_command, *slots), log_fd=log_fd, umask=self._umask)
        finally:
            os.close(log_fd)

    def _stop(self) -> None:
        self._notice.retract()
        _end(self._agent, _PATIENCE_DOWN_S if self._told_to_stop else _PATIENCE_S)
        _end(self._nats, _PATIENCE_SERVER_S)
        _log("stopped")


def _end(child: Child, patience_s: float) -> None:
    """Stop it: TERM (an agent drains), TERM again after a quarter of the patience (it stops its jobs), then KILL."""
    child.signal(signal.SIGTERM)
    began = time.monotonic()
    steps = [(patience_s / 4, signal.SIGTERM), (patience_s, signal.SIGKILL)]
    while child.pid is not None and child.wait() is None:
        waited_s = time.monotonic() - began
        if steps and waited_s > steps[0][0]:
            child.signal(steps.pop(0)[1])
        if waited_s > patience_s + _KILLED_S:
            _log(f"{child.name} does not end")
            return
        time.sleep(_POLL_S)


def _open_fifo() -> int:
    if os.access(FIFO, os.F_OK):
        os.remove(FIFO)  # noqa: PTH107 - no pathlib in the keeper's start
    os.mkfifo(FIFO, PRIVATE_FILE)
    # For writing as well, so that it has no end when the last writer closes.
    return os.open(FIFO, os.O_RDWR | os.O_NONBLOCK)


def _catch_signals() -> int:
    """Return a descriptor that gives the number of each signal as a byte."""
    wake, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    # Handlers, not SIG_IGN: children would inherit that.
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return wake


def _log(text: str) -> None:
    try:
        os.write(2, f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}\n".encode())
    except OSError:
        # The disk is full; what is logged matters less than what is done.
        return
