"""The warm workers of one agent: which there are, which job gets which, and which have to go."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from tqcli.process.warm import LEAVE_WITHIN, Limits, Worker

if TYPE_CHECKING:
    from tqcli.process.command import Command
    from tqcli.process.pool import RunnerPool

IDLE_FOR = timedelta(minutes=5)
"""A worker that nobody has asked for this long ends; its memory is worth more than its modules."""

REFUSED_FOR = timedelta(seconds=5)
"""For so long no worker is tried where one could not start; the jobs run all the same."""


class Workers:
    """Hands out workers, each for the jobs of one key. Belongs to one event loop."""

    def __init__(self, runners: RunnerPool, *, most: int, limits: Limits | None = None) -> None:
        """Keep at most `most`, as long as no more are in use."""
        self._runners = runners
        self._most = most
        self._limits = limits or Limits()
        self._all: set[Worker] = set()
        self._idle: dict[Worker, tuple[tuple[str, ...], float]] = {}
        """With key and time, the one that was used last at the end."""
        self._look: asyncio.TimerHandle | None = None
        self._refused: dict[tuple[str, ...], float] = {}

    def may_take(self, command: Command) -> bool:
        """Return whether a worker may run it: it is a Python job's, and none of its kind was refused a moment ago."""
        if command.call is None:
            return False
        refused = self._refused.get(command.call.key)
        if refused is None:
            return True
        if time.monotonic() - refused < REFUSED_FOR.total_seconds():
            return False
        del self._refused[command.call.key]
        return True

    def refuse(self, command: Command) -> None:
        """Take down that no worker can be started for such commands (their directory is not there, say)."""
        if command.call is not None:
            now = time.monotonic()
            recent = {key: at for key, at in self._refused.items() if now - at < REFUSED_FOR.total_seconds()}
            self._refused = {**recent, command.call.key: now}

    @property
    def busy(self) -> set[Worker]:
        """Those that are at work, or are expected to be soon."""
        return self._all - self._idle.keys()

    async def acquire(self, command: Command) -> Worker:
        """Return a worker of one's own for a command with a `call`, until `release`.

        Raises:
            ValueError: no worker can be started for it, nor any other process.
            OSError: the system has no place for another process or descriptor.
        """
        key = () if command.call is None else command.call.key
        for worker in reversed(self._idle):
            if self._idle[worker][0] == key:
                del self._idle[worker]
                return worker
        while len(self._all) >= self._most and self._idle:
            self._dismiss(next(iter(self._idle)))
        runner = await self._runners.acquire()
        try:
            worker = Worker(runner, self._on_end)
            worker.start(command, self._limits)
        except (ValueError, OSError):
            self._runners.release(runner)
            raise
        self._all.add(worker)
        return worker

    def release(self, worker: Worker, command: Command) -> None:
        """Take a worker back; one that takes no more jobs is forgotten."""
        if not worker.alive or command.call is None:
            self._all.discard(worker)
            return
        self._idle[worker] = (command.call.key, time.monotonic())
        if self._look is None:
            self._look = asyncio.get_running_loop().call_later(IDLE_FOR.total_seconds(), self._dismiss_idle)

    async def close(self) -> None:
        """Let all end, and wait until those that were idle have, for as long as they may take."""
        if self._look is not None:
            self._look.cancel()
        leaving = [worker.over for worker in self._idle]
        for worker in tuple(self._idle):
            self._dismiss(worker)
        if leaving:
            await asyncio.wait(leaving, timeout=LEAVE_WITHIN.total_seconds())

    def _dismiss(self, worker: Worker) -> None:
        del self._idle[worker]
        self._all.discard(worker)
        worker.leave()

    def _dismiss_idle(self) -> None:
        self._look = None
        now = time.monotonic()
        for worker, (_, since) in tuple(self._idle.items()):
            if now - since >= IDLE_FOR.total_seconds():
                self._dismiss(worker)
        if self._idle:
            oldest = next(iter(self._idle.values()))[1]
            wait_s = oldest + IDLE_FOR.total_seconds() - now
            self._look = asyncio.get_running_loop().call_later(max(wait_s, 1), self._dismiss_idle)

    def _on_end(self, worker: Worker) -> None:
        self._idle.pop(worker, None)
        self._all.discard(worker)
        self._runners.release(worker.runner)
