"""A program that is started again when it ends, after a pause that grows."""

from __future__ import annotations

import os
import time

from tqcli.errors import TqError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0
_STEADY_S = 30.0
"""Who lived that long starts again after the first pause."""


class Child:
    """One child of the keeper, in one of three conditions: running (`pid`), to be started at `due`, or off."""

    def __init__(self, name: str, start: Callable[[], int], *, may_leave: bool, pid: int | None = None) -> None:
        """`start` starts it and returns its pid. With `may_leave`, exit code 0 turns it off. `pid`: it runs already."""
        self.name = name
        self.pid = pid
        self.due: float | None = None
        self._start = start
        self._may_leave = may_leave
        self._started = time.monotonic()
        self._pause_s = _FIRST_PAUSE_S

    @property
    def on(self) -> bool:
        """True where it runs or will."""
        return self.pid is not None or self.due is not None

    def turn_on(self) -> None:
        """Have it started at once, if it is off."""
        if not self.on:
            self.due = time.monotonic()

    def start_if_due(self) -> bool:
        """Return whether its time had come, and it is started.

        Raises:
            OSError, TqError: the log or a setting can't be written, or the disk is full; it will be tried again.
        """
        if self.due is None or time.monotonic() < self.due:
            return False
        self.due = None
        self._started = time.monotonic()
        try:
            self.pid = self._start()
        except (OSError, TqError):
            self._delay()
            raise
        return True

    def reap(self) -> int | None:
        """Return the exit code if it has just ended (negative: by that signal), None if not. It will start again."""
        code = self.wait()
        if code is None or (code == 0 and self._may_leave):
            return code
        if time.monotonic() - self._started > _STEADY_S:
            self._pause_s = _FIRST_PAUSE_S
        self._delay()
        return code

    def wait(self) -> int | None:
        """Return the exit code if it has just ended, None if not. It is off then."""
        if self.pid is None:
            return None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def signal(self, number: int) -> None:
        """Send it the signal, if it runs."""
        if self.pid is not None:
            os.kill(self.pid, number)

    def _delay(self) -> None:
        self.due = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
