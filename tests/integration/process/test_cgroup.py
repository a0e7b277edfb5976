"""A cgroup holds what nothing else can: the processes of an agent that was killed with all that watched over them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.integration.process.drive import attempt, gone, living, make_command
from tests.integration.process.test_end_of_tree import LIMIT_S, claim, little_agent
from tests.support.eventually import eventually
from tqcli.process.cgroup import PREFIX, Cgroup, find_delegated, kill_left
from tqcli.process.pool import RunnerPool
from tqcli.process.stop import kill_strays

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["claim"]

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(find_delegated() is None, reason="this host delegates no cgroup to us"),
]


def folders(pid: int) -> list[Path]:
    """Return the cgroups of this agent."""
    above = find_delegated()
    assert above is not None
    return list(above.glob(f"{PREFIX}{pid}-*"))


def test_jobs_run_in_the_cgroup_of_their_agent() -> None:
    """With their daemons; it is gone when the pool is closed."""

    async def check() -> None:
        async with RunnerPool() as pool:
            done = await attempt(await pool.acquire(), make_command("sh", "-c", "setsid cat /proc/self/cgroup"))
            assert f"/{PREFIX}{os.getpid()}-".encode() in done.stdout
            assert pool.containment == "cgroup"
            assert len(folders(os.getpid())) == 1

    asyncio.run(check())
    assert folders(os.getpid()) == []


def test_next_agent_kills_even_what_dropped_its_environment(claim: str) -> None:
    """Agent, zygote and runner were killed together."""
    with little_agent(claim) as (agent, zygote, runner, _):
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in (agent.pid, zygote, runner):
                os.kill(pid, number)
        agent.wait()
        eventually(lambda: gone(zygote, runner), timeout_s=LIMIT_S)
        assert living(claim)
        assert kill_strays() > 0
        eventually(lambda: not living(claim), timeout_s=LIMIT_S)
    assert folders(agent.pid) == []


def test_cgroup_of_a_living_agent_is_left_alone() -> None:
    """It tells by a lock: an agent in another container may have the same process id, or none that is seen here."""
    cgroup = Cgroup.make()
    assert cgroup is not None
    (folder,) = folders(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        try:
            assert cgroup.take(process.pid)
            kill_left()
            assert process.poll() is None
            cgroup.remove()  # as at the agent's end, which does not empty it
            assert folder.exists()
            assert kill_left() >= 1
            assert process.wait(LIMIT_S) == -signal.SIGKILL
        finally:
            with suppress(ProcessLookupError):
                process.kill()
    assert not folder.exists()


def test_process_that_is_gone_is_not_taken() -> None:
    """Nor does anything fail."""
    cgroup = Cgroup.make()
    assert cgroup is not None
    assert not cgroup.take(2**22 - 1)
    cgroup.remove()
