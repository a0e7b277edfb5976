"""The child of an attempt: started in a runner, listened to, stopped when somebody says so."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from tqcli.agent.printing import LogPump
from tqcli.core.conclusion import check_result
from tqcli.core.outcome import Interrupted, Lost, Outcome, TimedOut
from tqcli.core.spec import DEFAULT_GRACE
from tqcli.process.child import Ended, RunnerLost
from tqcli.process.python import parse_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.agent.desk import Desk
    from tqcli.core.record import Output
    from tqcli.core.spec import Spec
    from tqcli.process.child import Runner
    from tqcli.process.command import Command

LONG_S = 0.03
"""An attempt that ends sooner costs one record, not two."""

NO_PROCESS_PAUSE_S = 1.0
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
        self._runner: Runner | None = None
        self._pump: LogPump | None = None
        self._grace = DEFAULT_GRACE
        self._stopped: Stop | None = None

    def stop(self, why: Stop) -> None:
        """Stop the child; the first reason counts, except that a lost fence beats all."""
        if self._stopped is None or why is Stop.FENCED:
            self._stopped = why
        if self._runner is not None:
            self._runner.stop(min(self._grace, FENCED_GRACE) if self._stopped is Stop.FENCED else self._grace)

    async def run(self, spec: Spec, command: Command, *, log: str, on_long: Callable[[], None]) -> Ended:
        """Run the child to its end; what it prints goes to the subject `log`. `on_long` is called after `LONG_S`."""
        loop = asyncio.get_running_loop()
        runner = await self._acquire_runner()
        self._pump = LogPump(self._desk.broker, log, on_caught_up=runner.resume)
        timers = [loop.call_later(LONG_S, on_long)]
        if spec.timeout is not None:
            timers.append(loop.call_later(spec.timeout.total_seconds(), self.stop, Stop.TIMEOUT))
        self._runner, self._grace = runner, spec.grace
        try:
            if self._stopped is not None:
                return Ended(RunnerLost("it was stopped before it began"))
            return await runner.run(command, on_output=self._pump.feed)
        finally:
            self._runner = None
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
        outcome = parse_result(ended)
        return Lost(self._desk.name) if isinstance(outcome, RunnerLost) else check_result(outcome)

    async def _acquire_runner(self) -> Runner:
        """Return a runner, when the host has processes and descriptors for one."""
        while True:
            try:
                return await self._desk.runners.acquire()
            except OSError:
                await asyncio.sleep(NO_PROCESS_PAUSE_S)
