"""What the host and the job's surroundings do to an attempt that is no fault of the job."""

from __future__ import annotations

import asyncio
import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.agent.test_attempts import shell
from tests.integration.agent.test_steering import wait_until_running
from tests.support.agents import wait_until_final
from tests.support.eventually import eventually
from tqcli.agent.desk import Desk
from tqcli.agent.execution import Execution
from tqcli.agent.printing import LogSender
from tqcli.agent.reporting import Reporter
from tqcli.core.outcome import Exited, Interrupted, Outcome
from tqcli.core.spec import Shell
from tqcli.core.state import State
from tqcli.jetstream.clock import BrokerClock
from tqcli.process.command import Command
from tqcli.process.pool import RunnerPool

if TYPE_CHECKING:
    from tests.integration.agent.conftest import StartAgent
    from tests.support.stage import Stage
    from tqcli.process.child import Runner


class ShortPool(RunnerPool):
    """A host that has no process free for a while."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals

    async def acquire(self) -> Runner:
        """Return a runner, after having refused."""
        if self.refusals:
            self.refusals -= 1
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return await super().acquire()


@pytest.mark.parametrize(("refusals", "outcome"), [(3, Exited(0)), (100, Interrupted())])
def test_a_host_without_a_free_process_is_no_fault_of_the_job(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, refusals: int, outcome: Outcome
) -> None:
    """It begins a little later; where that takes too long, others get the job, and nothing was lost."""
    monkeypatch.setattr("tqcli.agent.execution.NO_PROCESS_PAUSE_S", 0.01)
    spec = stage.submit(work=Shell(("true",)))

    async def check() -> Outcome | None:
        async with ShortPool(refusals) as pool:
            reporter = Reporter(stage.broker, batch_prefix="x", say=print)
            clock = BrokerClock(stage.link, stage.names.timers)
            execution = Execution(Desk("a", stage.broker, reporter, LogSender(stage.broker), pool, {}, clock))
            command = Command(argv=("/bin/true",), env={}, cwd="/")
            return execution.outcome(await execution.run(spec, command, log="log", on_long=lambda: None))

    assert asyncio.run(check()) == outcome


def test_a_job_that_has_ended_is_not_late(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """However long its output takes to come: another process holds its pipe for as long as tq waits for that, 2 s."""
    start_agent(slots=1)
    pid_file = tmp_path / "pid"
    line = f"echo $$ > {pid_file}; while test -e {pid_file}; do sleep 0.05; done"
    spec = stage.submit(work=shell(line), timeout=timedelta(seconds=4))
    pid = int(eventually(lambda: pid_file.exists() and pid_file.read_text(), 10))
    held = os.open(f"/proc/{pid}/fd/1", os.O_WRONLY)
    try:
        wait_until_running(stage, spec)
        eventually(lambda: not is_young(pid, 2.5), 10)
        pid_file.unlink()
        record = wait_until_final(stage, spec)
    finally:
        os.close(held)
    assert (record.state, record.exit_code) == (State.SUCCEEDED, 0)


def is_young(pid: int, seconds: float) -> bool:
    """Return whether a process was started less than so many seconds ago."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19])
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    return uptime_s - ticks / os.sysconf("SC_CLK_TCK") < seconds


@pytest.mark.parametrize("cwd", [None, "/no/such"])
def test_a_fresh_directory_is_made_and_removed(
    stage: Stage, start_agent: StartAgent, cwd: str | None, tmp_path: Path
) -> None:
    """It is the job's own, it is empty, and what the job left in it goes with it."""
    start_agent(slots=1)
    seen = tmp_path / "seen"
    spec = stage.submit(work=shell(f'ls -A; echo "$PWD" > {seen}; mkdir -p a/b; echo x > a/b/c'), cwd=cwd)
    assert wait_until_final(stage, spec).output is None
    made = Path(seen.read_text().strip())
    assert made.name.startswith("tq-")
    eventually(lambda: not made.exists(), 5)
