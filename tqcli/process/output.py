"""The two pipes that a command prints into, from the agent's side.

A pipe is looked at only once the attempt is `WATCH_AFTER_S` old, or over: a command that prints little and ends soon,
the common case by far, costs no event at all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

CHUNK_BYTES = 64 * 1024
"""What a pipe holds (pipe(7)), and the most that one turn of the event loop reads."""
WATCH_AFTER_S = 0.003
DRAIN_S = 2.0
"""How long a finished command's pipes may be held open by a process that is none of its descendants (H35)."""
DRAIN_READS = 4
"""Reads that empty a pipe after the last writer is gone; whoever needs more has a writer left."""
STDOUT, STDERR = 1, 2


class Output:
    """Reads both pipes of one attempt. Calls `on_done` once, when all is read after `finish`."""

    __slots__ = ("_finished", "_loop", "_on_done", "_on_output", "_open", "_timer", "_watched")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_output: Callable[[int, bytes], None],
        on_done: Callable[[Exception | None], None],
    ) -> None:
        """`on_output` gets stream and chunk."""
        self._loop = loop
        self._on_output = on_output
        self._on_done = on_done
        self._open: dict[int, int] = {}
        self._watched = self._finished = False
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> tuple[int, int]:
        """Return the ends to write to, which are the caller's to close.

        Raises:
            OSError: no descriptor is left.
        """
        out, out_end = os.pipe2(os.O_CLOEXEC)
        self._open[out] = STDOUT
        try:
            err, err_end = os.pipe2(os.O_CLOEXEC)
        except OSError:
            os.close(out_end)
            raise
        self._open[err] = STDERR
        os.set_blocking(out, False)
        os.set_blocking(err, False)
        self._timer = self._loop.call_later(WATCH_AFTER_S, self._watch)
        return out_end, err_end

    def finish(self) -> None:
        """Read what is left, now that no descendant is there to write more."""
        self._finished = True
        for fd in tuple(self._open):
            self._drain(fd)
        if not self._open:
            self._end(None)
        else:  # somebody else holds an end, or the pipe is larger than usual
            self._watch()
            self._cancel_timer()
            self._timer = self._loop.call_later(DRAIN_S, self._give_up)

    def close(self) -> None:
        """Read nothing more."""
        self._cancel_timer()
        for fd in tuple(self._open):
            self._close(fd)

    def _watch(self) -> None:
        self._watched = True
        for fd in self._open:
            self._loop.add_reader(fd, self._on_readable, fd)

    def _on_readable(self, fd: int) -> None:
        self._read(fd)
        if self._finished and not self._open:
            self._end(None)

    def _drain(self, fd: int) -> None:
        for _ in range(DRAIN_READS):
            if fd not in self._open or not self._read(fd):
                return

    def _read(self, fd: int) -> bool:
        """Pass one chunk on; return whether there may be more."""
        try:
            chunk = os.read(fd, CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self._close(fd)
            return False
        try:
            self._on_output(self._open[fd], chunk)
        except Exception as error:  # noqa: BLE001 - the caller's own bug ends its `run`, not the event loop's callback
            self._end(error)
            return False
        return True

    def _give_up(self) -> None:
        for fd in tuple(self._open):
            self._drain(fd)
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        self.close()
        on_done, self._on_done = self._on_done, _ignore
        on_done(error)

    def _close(self, fd: int) -> None:
        if self._watched:
            self._loop.remove_reader(fd)
        del self._open[fd]
        os.close(fd)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _ignore(_error: Exception | None) -> None:
    """Do nothing: the end has been told."""
