"""Runners are used again, replaced when dead, and cost nothing that adds up."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.integration.process.drive import (
    HERE,
    attempt,
    gone,
    known_pid,
    make_command,
    open_fds,
    parent_of,
    zombies,
)
from tests.support.eventually import eventually_async
from tqcli.core.outcome import Exited
from tqcli.process import tree
from tqcli.process.child import NoProcess, Runner, RunnerLost
from tqcli.process.pool import RunnerPool
from tqcli.process.stop import containment

if TYPE_CHECKING:
    from tqcli.process.child import Ended

TRUE = make_command("true")


def drop(_stream: int, _chunk: bytes) -> None:
    """Take output that is not expected."""


def test_released_runner_is_used_again() -> None:
    """Two in use are two; one after another is one."""

    async def check() -> None:
        async with RunnerPool() as pool:
            first, second = await pool.acquire(), await pool.acquire()
            assert await known_pid(first) != await known_pid(second)
            pool.release(first)
            assert await pool.acquire() is first

    asyncio.run(check())


def test_runner_that_died_idle_is_not_handed_out() -> None:
    """The pool sees its socket end."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            pid = await known_pid(runner)
            pool.release(runner)
            os.kill(pid, signal.SIGKILL)
            await eventually_async(lambda: not runner.alive, timeout_s=20)
            again = await pool.acquire()
            assert again is not runner
            assert (await attempt(again, TRUE)).how == Exited(0)

    asyncio.run(check())


def test_runner_that_dies_unseen_is_told_by_run() -> None:
    """It was killed right before the command, with no turn of the event loop between."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            pid = await known_pid(runner)
            os.kill(pid, signal.SIGKILL)
            assert isinstance((await attempt(runner, TRUE)).how, (NoProcess, RunnerLost))
            assert isinstance((await attempt(runner, TRUE)).how, NoProcess)
            assert not runner.alive

    asyncio.run(check())


def test_500_jobs_leave_no_descriptor_and_no_zombie() -> None:
    """In the agent, the zygote and the runners alike; with stdin, output, a result and daemons."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runners = [await pool.acquire(), await pool.acquire()]
            pids = [await known_pid(runner) for runner in runners]
            pids += [parent_of(pids[0]), os.getpid()]
            commands = [
                make_command("sh", "-c", "cat; echo e >&2; setsid sleep 9 &", stdin=b"i", args=b"a", wants_result=True),
                TRUE,
                make_command("frobnicate"),
                make_command("true", cwd="/no/such"),
                make_command("a\0b"),
            ]

            async def work(runner: Runner, rounds: int) -> None:
                for _ in range(rounds):
                    for command in commands:
                        await attempt(runner, command)

            await work(runners[0], 1)
            before = [(open_fds(pid), zombies(pid)) for pid in pids]
            await asyncio.gather(*(work(runner, 50) for runner in runners))
            assert [(open_fds(pid), zombies(pid)) for pid in pids] == before
            assert [zombies(pid) for pid in pids[:3]] == [[], [], []]

    asyncio.run(check())


def test_no_descriptor_is_left_after_the_pool() -> None:
    """Everything opened for it is closed."""

    async def use() -> None:
        async with RunnerPool() as pool:
            runners = [await pool.acquire() for _ in range(5)]
            await asyncio.gather(*(attempt(runner, TRUE) for runner in runners))

    before = open_fds(os.getpid()), zombies(os.getpid())
    asyncio.run(use())
    assert (open_fds(os.getpid()), zombies(os.getpid())) == before


def test_50_slots_start_and_end() -> None:
    """All busy at once."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runners = [await pool.acquire() for _ in range(50)]
            done = await asyncio.gather(*(attempt(runner, make_command("sleep", "0.2")) for runner in runners))
            assert {it.how for it in done} == {Exited(0)}
            pids = [await known_pid(runner) for runner in runners]
        assert gone(*pids)

    asyncio.run(check())


def test_pool_that_was_never_used_starts_nothing() -> None:
    """An agent that only waits has no other process."""

    async def check() -> None:
        async with RunnerPool():
            assert tree.children() == before

    before = tree.children()
    asyncio.run(check())


def test_pool_can_start_before_it_is_needed() -> None:
    """The zygote is there at once, and only once."""

    async def check() -> None:
        async with RunnerPool() as pool:
            pool.start()
            (zygote,) = set(tree.children()) - before
            pool.start()
            assert set(tree.children()) - before == {zygote}
            assert parent_of(await known_pid(await pool.acquire())) == zygote

    before = set(tree.children())
    asyncio.run(check())


def test_agent_out_of_descriptors_says_so_and_recovers() -> None:
    """The command did not begin: its job is not to blame."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            await known_pid(runner)
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            lowest = os.dup(0)
            os.close(lowest)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 1, hard))
            try:
                ended = await runner.run(TRUE, on_output=drop)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert ended.how == NoProcess("the command could not be handed to its runner: Too many open files")
            assert (await attempt(await pool.acquire(), TRUE)).how == Exited(0)

    asyncio.run(check())


def test_host_without_memory_for_a_process_is_no_fault_of_the_command() -> None:
    """The command did not begin, and the runner goes on when there is some again."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            pid = await known_pid(runner)
            await attempt(runner, TRUE)
            before = resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, resource.RLIM_INFINITY))
            assert isinstance((await attempt(runner, TRUE)).how, NoProcess)
            resource.prlimit(pid, resource.RLIMIT_AS, before)
            assert runner.alive
            assert (await attempt(runner, TRUE)).how == Exited(0)

    asyncio.run(check())


def test_runner_gives_up_on_what_it_can_not_kill() -> None:
    """The attempt's end is told, and the runner is not used again; the one here lets nobody die and waits 0.3 s."""

    async def check() -> tuple[Ended, bool, int]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            harmless = subprocess.Popen(  # noqa: ASYNC220 - it starts in milliseconds, and nothing else runs here
                [sys.executable, str(HERE / "harmless_runner.py"), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=HERE.parents[2],
            )
        lost: list[Runner] = []
        runner = Runner(ours, lost.append)
        pid = await known_pid(runner)
        ended = await runner.run(make_command("sh", "-c", "sleep 1 & exit 3"), on_output=drop)
        assert lost == [runner]
        harmless.wait(10)
        return ended, runner.alive, pid

    ended, alive, pid = asyncio.run(check())
    assert (ended.how, alive) == (Exited(3), False)
    assert gone(pid)


def test_containment_is_by_subreaper() -> None:
    """On every Linux since 3.4."""
    assert containment() == "subreaper"


def test_children_are_found_with_and_without_the_kernels_list() -> None:
    """Few kernels lack /proc/<pid>/task/<tid>/children, but some do; on those both ways are one."""
    with subprocess.Popen(["sleep", "60"]) as child:
        listed = tree.children()
        scanned = [pid for pid, (parent, _) in tree.processes().items() if parent == os.getpid()]
        child.kill()
    assert child.pid in listed
    assert child.pid in scanned
