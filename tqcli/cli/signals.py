"""Signals that don't interrupt: what waits on the link finds out, and goes on where it was."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from tqcli.jetstream.plain import PlainLink

_CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

TOGETHER_S = 0.5
"""timeout(1) sends TERM to its child and to its group: that is one wish. Who presses Ctrl-C twice means it."""


class Signals:
    """Within it, Ctrl-C and its like end a wait on the link with `Interrupted`; `count` says how many there were.

    A signal that is ignored, as below `nohup`, stays so.
    """

    def __init__(self, link: PlainLink) -> None:
        """Prepare."""
        self.count = 0
        self._last = -TOGETHER_S
        self._link = link
        self._before: dict[signal.Signals, signal._HANDLER] = {}
        self._pipe = (-1, -1)
        self._fd_before = -1

    def __enter__(self) -> Self:
        """Catch them."""
        self._pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        reading, writing = self._pipe
        self._fd_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        self._link.interrupt_on(reading)
        for number in _CAUGHT:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave them as they were. The pipe stays open: the link watches it for as long as it lives."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's signature
        now = time.monotonic()
        if number == signal.SIGINT or now - self._last >= TOGETHER_S:
            self.count += 1
        self._last = now
