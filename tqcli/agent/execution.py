"""The child of an attempt: started in a runner, or a warm worker, listened to, stopped when somebody says so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from tqcli.agent.printing import LogPump
from tqcli.core.outcome import Interrupted, Lost, Outcome, TimedOut
from tqcli.core.spec import DEFAULT_GRACE
from tqcli.process.child import Ended, NoProcess, Runner, RunnerLost
from tqcli.process.python import parse_result
from tqcli.process.warm import Unbegun, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.agent.desk import Desk
    from tqcli.core.record import Output
    from tqcli.core.spec import Spec
    from tqcli.process.command import Command

LONG_S = 0.03
"""An attempt that ends sooner costs one record, not two."""

NO_PROCESS_PAUSE_S = 1.0
NO_PROCESS_TRIES = 10
"""A host without a free process most often has one a moment later; a job waits so long for it, then others get it."""

FENCED_GRACE = timedelta(seconds=1)
"""Whoever lost the job may run it no longer than it takes to stop it: somebody else is starting it."""


class Stop(Enum):
    """Why a child is stopped before it ended by itself."""

    TIMEOUT = auto()
    CANCELLED = auto()
    FENCED = auto()
    SHUTDOWN = auto()


class Execution:
    """The runs of one attempt's child, one at a time. It may be stopped before it begins."""

    def __init__(self, desk: Desk) -> None:
        """Nothing happens before `run`."""
        self._desk = desk
        self._runner: Runner | Worker | None = None
        self._pump: LogPump | None = None
        self._grace = DEFAULT_GRACE
        self._stopped: Stop | None = None

    def stop(self, why: Stop) -> None:
        """Stop the child; the first reason counts, except that a lost fence beats all.

        One that has ended is not late, and needs no second run: only its output is still on its way.
        """
        if why in {Stop.TIMEOUT, Stop.SHUTDOWN} and self._runner is not None and self._runner.ended:
            return
        if self._stopped is None or why is Stop.FENCED:
            self._stopped = why
        if self._runner is not None:
            self._runner.stop(min(self._grace, FENCED_GRACE) if self._stopped is Stop.FENCED else self._grace)

    async def run(self, spec: Spec, command: Command, *, log: str, on_long: Callable[[], None]) -> Ended:
        """Run the child to its end; what it prints goes to the subject `log`. `on_long` is called after `LONG_S`."""
        for _ in range(NO_PROCESS_TRIES):
            ended = await self._run_once(spec, command, log=log, on_long=on_long)
            if self._stopped is not None:
                break
            if isinstance(ended, Unbegun):
                if not ended.again and self._desk.workers is not None:
                    self._desk.workers.refuse(command)
            elif not isinstance(ended.how, NoProcess):
                return ended
            else:
                await asyncio.sleep(NO_PROCESS_PAUSE_S)
        return Ended(NoProcess("no worker took it")) if isinstance(ended, Unbegun) else ended

    async def _run_once(
        self, spec: Spec, command: Command, *, log: str, on_long: Callable[[], None]
    ) -> Ended | Unbegun:
        loop = asyncio.get_running_loop()
        workers = self._desk.workers
        try:
            if workers is not None and workers.may_take(command):
                runner: Runner | Worker = await workers.acquire(command)
            else:
                runner = await self._desk.runners.acquire()
        except OSError as error:
            return Ended(NoProcess(str(error)))
        except ValueError:
            return Unbegun(again=False)
        self._pump = LogPump(self._desk.logs, log)
        timers = [loop.call_later(LONG_S, on_long)]
        if spec.timeout is not None:
            timers.append(loop.call_later(spec.timeout.total_seconds(), self.stop, Stop.TIMEOUT))
        self._runner, self._grace = runner, spec.grace
        try:
            if self._stopped is not None:
                return Ended(NoProcess("it was stopped before it began"))
            return await runner.run(command, on_output=self._pump.feed)
        finally:
            self._runner = None
            if workers is not None and isinstance(runner, Worker):
                workers.release(runner, command)
            elif isinstance(runner, Runner):
                self._desk.runners.release(runner)
            for timer in timers:
                timer.cancel()

    async def flush(self) -> Output | None:
        """Wait until what the child printed is stored; return the counts."""
        return None if self._pump is None else await self._pump.close()

    def outcome(self, ended: Ended) -> Outcome | None:
        """Return what the run did, in the light of why it was stopped; None: the job is not ours any more."""
        match self._stopped:
            case Stop.CANCELLED | Stop.FENCED:
                return None
            case Stop.SHUTDOWN:
                return Interrupted()
            case Stop.TIMEOUT:
                self._stopped = None
                return TimedOut()
            case None:
                pass
        match parse_result(ended):
            case NoProcess():
                return Interrupted()
            case RunnerLost():
                return Lost(self._desk.name)
            case outcome:
                return outcome
