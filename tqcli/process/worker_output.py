"""The two pipes of a worker, read for the job that it runs.

As in `output`, a pipe is not looked at before its job is `WATCH_AFTER_S` old, or over. What the process prints before
it has taken its first job is held back: that job may still go elsewhere.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tqcli.process.output import CHUNK_BYTES, STDERR, STDOUT, WATCH_AFTER_S

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextlib import ExitStack


class WorkerOutput:
    """Reads what a worker prints, for one job after another."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        has_begun: Callable[[], bool],
        on_error: Callable[[Exception], None],
    ) -> None:
        """`has_begun` tells whether the worker took its first job; `on_error` gets what the taker of output raises."""
        self._loop = loop
        self._has_begun = has_begun
        self._on_error = on_error
        self._pipes: dict[int, int] = {}
        self._on_output: Callable[[int, bytes], None] = ignore
        self._timer: asyncio.TimerHandle | None = None
        self._watched = False
        self._held: list[tuple[int, bytes]] | None = []

    def open(self, ours: ExitStack, theirs: ExitStack) -> list[int]:
        """Return the ends to write to; both stacks close what is theirs.

        Raises:
            OSError: no descriptor is left.
        """
        ends = []
        for stream in (STDOUT, STDERR):
            pipe, end = os.pipe2(os.O_CLOEXEC)
            ours.callback(os.close, pipe)
            theirs.callback(os.close, end)
            os.set_blocking(pipe, False)
            self._pipes[pipe] = stream
            ends.append(end)
        return ends

    def begin(self, on_output: Callable[[int, bytes], None]) -> None:
        """From now on what is read is a job's, and `on_output` gets stream and chunk."""
        self._on_output = on_output
        self._timer = self._loop.call_later(WATCH_AFTER_S, self._watch)

    def end(self) -> None:
        """What comes from now on is nobody's, and is not read."""
        self._on_output = ignore
        if self._timer is not None:
            self._timer.cancel()
        if self._watched:
            self._watched = False
            for pipe in self._pipes:
                self._loop.remove_reader(pipe)

    def drain(self) -> None:
        """Read what is there; nobody writes more."""
        for pipe in tuple(self._pipes):
            while self._read(pipe):
                pass

    def release(self) -> None:
        """Let go what was held back: the job has begun."""
        held, self._held = self._held, None
        try:
            for stream, chunk in held or ():
                self._on_output(stream, chunk)
        except Exception as error:  # noqa: BLE001 - as in `_read`
            self._on_error(error)

    def _watch(self) -> None:
        self._watched = True
        for pipe in self._pipes:
            self._loop.add_reader(pipe, self._read, pipe)

    def _read(self, pipe: int) -> bool:
        """Pass one chunk on; return whether there may be more."""
        try:
            chunk = os.read(pipe, CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:  # the job has closed it
            if self._watched:
                self._loop.remove_reader(pipe)
            del self._pipes[pipe]
            return False
        try:
            self._pass_on(self._pipes[pipe], chunk)
        except Exception as error:  # noqa: BLE001 - the caller's own bug ends its `run`, not the event loop's callback
            self._on_error(error)
            return False
        return True

    def _pass_on(self, stream: int, chunk: bytes) -> None:
        if self._held is not None:
            if not self._has_begun():
                self._held.append((stream, chunk))
                return
            self.release()
        self._on_output(stream, chunk)


def ignore(_stream: int, _chunk: bytes) -> None:
    """Take output that is no job's: of a worker that ends."""
