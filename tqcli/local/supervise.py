"""What a keeper does all day: hear wishes, start again what crashed, leave when nobody needs it."""

from __future__ import annotations

import os
import select
import signal
import time

from tqcli.local.files import KEEPER_LOCK, is_same_file, try_lock
from tqcli.local.logs import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tqcli.local.child import Child
    from tqcli.local.services import Services

_LOOK_S = 0.5
"""How often to look whether the users are gone: the pause after kill -9 of the last; others tell when they leave."""
_LOOK_KEPT_S = 10.0
"""How often a kept keeper looks whether its folder is still there."""
_PATIENCE_S = 1.6
_PATIENCE_KEPT_S = 10.0
_PATIENCE_SERVER_S = 3.0
_KILLED_S = 1.0
_POLL_S = 0.002
_WISHES_BYTES = 4096


class Supervisor:
    """The keeper's main loop over its services."""

    def __init__(self, services: Services, *, lock: int, users: int, fifo: int) -> None:
        """`lock` is the keeper's own lock, `users` that of its users, not held; wishes come out of `fifo`."""
        self._services = services
        self._lock = lock
        self._users = users
        self._fifo = fifo
        self._wake = _catch_signals()

    def run(self) -> None:
        """Return when everything is stopped."""
        inputs = select.poll()
        inputs.register(self._wake, select.POLLIN)
        inputs.register(self._fifo, select.POLLIN)
        services = self._services
        # What ended before the signals were caught.
        services.mend()
        while not self._is_over():
            for fd, _ in inputs.poll(self._pause_s() * 1000):
                data = os.read(fd, _WISHES_BYTES)
                if fd == self._fifo:
                    services.hear(data.decode(errors="replace"))
                elif signal.SIGTERM in data:
                    services.hear("stop")
            services.mend()
        self._stop()

    def _is_over(self) -> bool:
        if self._services.over or not is_same_file(KEEPER_LOCK, self._lock):
            return True
        # Once this succeeds, newcomers wait for the lock until this process is gone.
        return not self._services.kept and try_lock(self._users, exclusive=True)

    def _pause_s(self) -> float:
        now = time.monotonic()
        pauses = [child.due - now for child in (self._services.nats, self._services.agent) if child.due is not None]
        return max(0.0, min([_LOOK_KEPT_S if self._services.kept else _LOOK_S, *pauses]))

    def _stop(self) -> None:
        self._services.retract()
        _end(self._services.agent, _PATIENCE_KEPT_S if self._services.kept else _PATIENCE_S)
        _end(self._services.nats, _PATIENCE_SERVER_S)
        log("stopped")


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
            log(f"{child.name} does not end")
            return
        time.sleep(_POLL_S)


def _catch_signals() -> int:
    """Return a descriptor that gives the number of each signal as a byte."""
    wake, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    # Handlers, not SIG_IGN: children would inherit that.
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return wake
