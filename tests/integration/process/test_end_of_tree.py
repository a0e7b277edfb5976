"""Nothing of a job outlives its attempt, however the attempt ends and whatever the job did to get away (H34)."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.integration.process.drive import (
    HERE,
    PATH,
    attempt,
    escape,
    gone,
    known_pid,
    living,
    make_command,
    make_python,
    parent_of,
    wait_for,
    zombies,
)
from tests.support.eventually import eventually, eventually_async
from tqcli.core.outcome import Exited, Signalled
from tqcli.process.child import RunnerLost
from tqcli.process.pool import RunnerPool
from tqcli.process.stop import CLAIM_VARIABLE, kill_strays

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.alone
ROOT = HERE.parents[2]
LIMIT_S = 10.0
"""How soon after a kill -9 all must be gone. It takes 0.1 s, on a host with nothing else to do."""
HIDDEN = 1
"""Of `escape.py`, the shell that dropped its environment: where zygote and runner die together, it can't be found."""


@pytest.fixture
def claim() -> str:
    """Return a mark that no other process of this host carries."""
    return f"test-{secrets.token_hex(8)}"


@contextmanager
def little_agent(claim: str, mode: str = "alone") -> Iterator[tuple[subprocess.Popen[str], int, int, int]]:
    """Start an agent with a running attempt; give it and the ids of its zygote, its runner and its copy."""
    agent = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.process.little_agent", claim, mode],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert agent.stdout is not None
    with agent:
        try:
            zygote, runner, copy = map(int, agent.stdout.readline().split())
            assert len(living(claim)) > 6
            yield agent, zygote, runner, copy
        finally:
            agent.kill()


@pytest.mark.parametrize("crowd", [0, 300])
def test_success_leaves_nothing(claim: str, crowd: int) -> None:
    """When `run` returns, all is gone already."""
    before = zombies(os.getpid())

    async def check() -> None:
        async with RunnerPool() as pool:
            done = await attempt(await pool.acquire(), escape(claim, "exit", crowd))
            assert (done.how, done.stdout) == (Exited(0), b"ready\n")
            assert living(claim) == []
            assert zombies(os.getpid()) == before

    asyncio.run(check())


def test_lone_daemon_is_gone_when_its_command_is(claim: str) -> None:
    """Nobody but the runner learns that it is an orphan."""

    async def check() -> None:
        async with RunnerPool() as pool:
            env = {"PATH": PATH, CLAIM_VARIABLE: claim}
            command = make_command("sh", "-c", "(setsid sleep 60 >&- 2>&- &)", env=env)
            assert (await attempt(await pool.acquire(), command)).how == Exited(0)
            assert living(claim) == []

    asyncio.run(check())


@pytest.mark.parametrize("crowd", [0, 300])
def test_stop_leaves_nothing(claim: str, crowd: int) -> None:
    """Not even of a command that ignores TERM, once the grace is over; the slot is free for the next."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            take, seen = wait_for(b"ready")
            running = asyncio.create_task(runner.run(escape(claim, "deaf", crowd), on_output=take))
            await eventually_async(seen, timeout_s=20)
            started = time.monotonic()
            runner.stop(timedelta(seconds=0.3))
            ended = await running
            assert ended.how == Signalled(signal.SIGKILL)
            assert 0.3 < time.monotonic() - started < LIMIT_S
            assert living(claim) == []
            assert (await attempt(runner, make_command("true"))).how == Exited(0)

    asyncio.run(check())


def test_stop_without_grace_kills_at_once(claim: str) -> None:
    """There is no TERM before it."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            take, seen = wait_for(b"ready")
            running = asyncio.create_task(runner.run(escape(claim, "stay"), on_output=take))
            await eventually_async(seen, timeout_s=20)
            runner.stop(timedelta(0))
            assert (await running).how == Signalled(signal.SIGKILL)
            assert living(claim) == []

    asyncio.run(check())


COUNTS_TERMS = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"term "))
os.write(1, b"ready ")
while True:
    signal.pause()
"""


def test_term_is_sent_once() -> None:
    """However often `stop` is called: many programs take a second TERM for impatience."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            take, seen = wait_for(b"ready")
            printed: list[bytes] = []

            def keep(stream: int, chunk: bytes) -> None:
                take(stream, chunk)
                printed.append(chunk)

            running = asyncio.create_task(runner.run(make_python(COUNTS_TERMS), on_output=keep))
            await eventually_async(seen, timeout_s=20)
            for grace_s in (60, 50, 0.2):
                runner.stop(timedelta(seconds=grace_s))
            assert (await running).how == Signalled(signal.SIGKILL)
            assert b"".join(printed) == b"ready term "

    asyncio.run(check())


CLEANS_UP = """
import os, signal, sys
if os.fork() == 0:
    os.setsid()
    def clean(*_):
        for _ in range(3):
            signal.sigtimedwait([], 0.1)
        os.write(1, b"cleaned")
        os._exit(0)
    signal.signal(signal.SIGTERM, clean)
    os.write(1, b"ready ")
while True:
    signal.pause()
"""


def test_child_may_use_the_grace_after_its_parent_has_gone() -> None:
    """The main process obeys at once; its child, in another session, needs 0.3 s to clean up and gets them."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            take, seen = wait_for(b"ready")
            printed: list[bytes] = []

            def keep(stream: int, chunk: bytes) -> None:
                take(stream, chunk)
                printed.append(chunk)

            running = asyncio.create_task(runner.run(make_python(CLEANS_UP), on_output=keep))
            await eventually_async(seen, timeout_s=20)
            started = time.monotonic()
            runner.stop(timedelta(seconds=30))
            assert (await running).how == Signalled(signal.SIGTERM)
            assert time.monotonic() - started < LIMIT_S
            assert b"".join(printed) == b"ready cleaned"

    asyncio.run(check())


def test_stop_reaches_a_stopped_command() -> None:
    """It sees its TERM only because it is made to go on."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            take, seen = wait_for(b"ready")
            command = make_command("sh", "-c", "echo ready; kill -STOP $$")
            running = asyncio.create_task(runner.run(command, on_output=take))
            await eventually_async(seen, timeout_s=20)
            runner.stop(timedelta(seconds=30))
            assert (await running).how == Signalled(signal.SIGTERM)

    asyncio.run(check())


def test_stop_of_the_attempt_before_does_not_touch_the_next() -> None:
    """Whether it comes too late or between two attempts."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            for _ in range(50):
                running = asyncio.create_task(runner.run(make_command("true"), on_output=lambda *_: None))
                await asyncio.sleep(0)
                runner.stop(timedelta(seconds=5))
                await running
                runner.stop(timedelta(0))
                assert (await attempt(runner, make_command("echo", "whole"))).stdout == b"whole\n"

    asyncio.run(check())


def test_cancelled_run_leaves_nothing(claim: str) -> None:
    """Its runner goes with it; the pool has another."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            take, seen = wait_for(b"ready")
            running = asyncio.create_task(runner.run(escape(claim, "deaf"), on_output=take))
            await eventually_async(seen, timeout_s=20)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            pool.release(runner)
            await eventually_async(lambda: not living(claim), timeout_s=LIMIT_S)
            assert (await attempt(await pool.acquire(), make_command("true"))).how == Exited(0)

    asyncio.run(check())


def test_close_of_the_pool_leaves_nothing(claim: str) -> None:
    """When it returns, attempts, runners and zygote are gone, and `run` has returned."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            pid = await known_pid(runner)
            zygote = parent_of(pid)
            take, seen = wait_for(b"ready")
            running = asyncio.create_task(runner.run(escape(claim, "deaf"), on_output=take))
            await eventually_async(seen, timeout_s=20)
            await pool.close()
            assert living(claim) == []
            assert gone(pid, zygote)
            assert isinstance((await running).how, RunnerLost)

    asyncio.run(check())


def test_killed_runner_leaves_nothing(claim: str) -> None:
    """The zygote kills what comes to it; the other runners don't notice, and the pool has another."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner, other = await pool.acquire(), await pool.acquire()
            zygote = parent_of(await known_pid(other))
            take, seen = wait_for(b"ready")
            calm_take, calm = wait_for(b"calm")
            running = asyncio.create_task(runner.run(escape(claim, "deaf", 50), on_output=take))
            beside = asyncio.create_task(
                other.run(make_command("sh", "-c", "echo calm; read line", stdin=None), on_output=calm_take)
            )
            await eventually_async(seen, timeout_s=20)
            await eventually_async(calm, timeout_s=20)
            os.kill(await known_pid(runner), signal.SIGKILL)
            assert isinstance((await running).how, RunnerLost)
            await eventually_async(lambda: not living(claim), timeout_s=LIMIT_S)
            assert (await beside).how == Exited(1)
            pool.release(runner)
            again = await pool.acquire()
            assert (await attempt(again, make_command("true"))).how == Exited(0)
            await eventually_async(lambda: not zombies(zygote), timeout_s=LIMIT_S)

    asyncio.run(check())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD])
def test_signals_meant_for_the_agent_do_not_end_what_it_runs(number: int) -> None:
    """A service manager sends TERM to every process of the service; an agent that drains still needs its runners."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            pid = await known_pid(runner)
            take, seen = wait_for(b"ready")
            running = asyncio.create_task(
                runner.run(make_command("sh", "-c", "echo ready; sleep 0.1; exit 7"), on_output=take)
            )
            await eventually_async(seen, timeout_s=20)
            os.kill(pid, number)
            os.kill(parent_of(pid), number)
            assert (await running).how == Exited(7)
            assert (await attempt(await pool.acquire(), make_command("true"))).how == Exited(0)

    asyncio.run(check())


def test_killed_zygote_leaves_nothing(claim: str) -> None:
    """Its runners end with what they run; the pool starts another."""
    before = zombies(os.getpid())

    async def check() -> None:
        async with RunnerPool() as pool:
            runner, idle = await pool.acquire(), await pool.acquire()
            pids = await known_pid(runner), await known_pid(idle)
            pool.release(idle)
            take, seen = wait_for(b"ready")
            running = asyncio.create_task(runner.run(escape(claim, "deaf"), on_output=take))
            await eventually_async(seen, timeout_s=20)
            os.kill(parent_of(pids[0]), signal.SIGKILL)
            assert isinstance((await running).how, RunnerLost)
            pool.release(runner)
            await eventually_async(lambda: not living(claim) and gone(*pids), timeout_s=LIMIT_S)
            assert (await attempt(await pool.acquire(), make_command("true"))).how == Exited(0)
            assert zombies(os.getpid()) == before

    asyncio.run(check())


@pytest.mark.parametrize("mode", ["alone", "copy"])
def test_killed_agent_leaves_nothing(claim: str, mode: str) -> None:
    """Attempt, runner and zygote are gone, also where a forked copy of the agent keeps its sockets open."""
    with little_agent(claim, mode) as (agent, zygote, runner, copy):
        try:
            agent.kill()
            eventually(lambda: not living_but(claim, copy) and gone(zygote, runner), timeout_s=LIMIT_S)
        finally:
            if copy:
                os.kill(copy, signal.SIGKILL)


def living_but(claim: str, spared: int) -> list[int]:
    """Return the attempt's processes, without the agent and its copy: the claim stands in their arguments as well."""
    return [pid for pid in living(claim) if pid != spared]


def test_agent_and_runner_killed_at_once_leave_nothing(claim: str) -> None:
    """The zygote stays until it has swept."""
    with little_agent(claim) as (agent, zygote, runner, _):
        os.kill(runner, signal.SIGKILL)
        agent.kill()
        eventually(lambda: not living(claim) and gone(zygote, runner), timeout_s=LIMIT_S)


def test_zygote_and_runner_killed_at_once_leave_nothing(claim: str) -> None:
    """The agent, a sub-reaper, sweeps itself, and goes on with a new zygote."""
    with little_agent(claim) as (agent, zygote, runner, _):
        os.kill(runner, signal.SIGSTOP)
        os.kill(zygote, signal.SIGKILL)
        os.kill(runner, signal.SIGKILL)
        assert agent.stdout is not None
        assert agent.stdout.readline() == "RunnerLost\n"
        assert agent.stdout.readline() == "Exited\n"
        agent.wait(LIMIT_S)
        eventually(lambda: len(living(claim)) <= HIDDEN and gone(zygote, runner), timeout_s=LIMIT_S)
        for pid in living(claim):
            os.kill(pid, signal.SIGKILL)


def test_next_agent_kills_what_all_of_the_last_ones_processes_left(claim: str) -> None:
    """Agent, zygote and runner were killed together: only the claim in the environment is left to go by."""
    with little_agent(claim) as (agent, zygote, runner, _):
        for pid in (agent.pid, zygote, runner):
            os.kill(pid, signal.SIGSTOP)
        for pid in (agent.pid, zygote, runner):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: gone(zygote, runner), timeout_s=LIMIT_S)
        assert len(living(claim)) > HIDDEN
        try:
            assert kill_strays() > 0
            eventually(lambda: len(living(claim)) <= HIDDEN, timeout_s=LIMIT_S)
        finally:
            for pid in living(claim):
                os.kill(pid, signal.SIGKILL)


def test_search_for_strays_spares_what_runs_under_a_runner(claim: str) -> None:
    """Of this agent and of any other on the host."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            take, seen = wait_for(b"ready")
            running = asyncio.create_task(runner.run(escape(claim, "stay"), on_output=take))
            await eventually_async(seen, timeout_s=20)
            before = living(claim)
            kill_strays()
            assert living(claim) == before
            runner.stop(timedelta(0))
            await running

    asyncio.run(check())
