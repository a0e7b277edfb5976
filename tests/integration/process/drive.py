"""Driving real runners from a test."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.eventually import eventually_async
from tqcli.process import tree
from tqcli.process.command import Command
from tqcli.process.pool import RunnerPool
from tqcli.process.stop import CLAIM_VARIABLE, read_claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.process.child import Ended, Runner, Usage

HERE = Path(__file__).parent
PATH = "/usr/local/bin:/usr/bin:/bin"
PIPE_BYTES = 64 * 1024


class Done(NamedTuple):
    """One attempt after its end."""

    ended: Ended
    stdout: bytes
    stderr: bytes

    @property
    def how(self) -> object:
        """How it ended."""
        return self.ended.how

    @property
    def usage(self) -> Usage:
        """What it used."""
        assert self.ended.usage is not None
        return self.ended.usage


def make_command(*argv: str, cwd: str | Path = "/", env: dict[str, str] | None = None, **more: Any) -> Command:
    """Return a command with little more in its environment than PATH."""
    return Command(argv=argv, cwd=str(cwd), env={"PATH": PATH} if env is None else env, **more)


def make_python(code: str, *arguments: str, claim: str | None = None, **more: Any) -> Command:
    """Return a command that runs Python code, without the start-up that it does not need."""
    env = {"PATH": PATH} if claim is None else {"PATH": PATH, CLAIM_VARIABLE: claim}
    return make_command(sys.executable, "-I", "-S", "-c", code, *arguments, env=env, **more)


async def attempt(runner: Runner, command: Command) -> Done:
    """Run a command to its end, keeping what it prints."""
    printed: dict[int, list[bytes]] = {1: [], 2: []}
    ended = await runner.run(command, on_output=lambda stream, chunk: printed[stream].append(chunk))
    return Done(ended, b"".join(printed[1]), b"".join(printed[2]))


def run_once(command: Command) -> Done:
    """Run a command with a runner of its own."""

    async def once() -> Done:
        async with RunnerPool() as pool:
            return await attempt(await pool.acquire(), command)

    return asyncio.run(once())


def run_all(*commands: Command) -> list[Done]:
    """Run commands one after another with one runner."""

    async def each() -> list[Done]:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            return [await attempt(runner, command) for command in commands]

    return asyncio.run(each())


def escape(claim: str, ending: str, crowd: int = 0) -> Command:
    """Return a command that leaves behind whatever a command can: `escape.py`, itself ending by `ending`."""
    return make_command(
        sys.executable,
        *("-I", "-S", str(HERE / "escape.py"), claim, ending, str(crowd)),
        env={"PATH": PATH, CLAIM_VARIABLE: claim},
    )


def living(claim: str) -> list[int]:
    """Return the processes of an attempt that still run: of `escape.py` those that changed their environment too."""
    needle = claim.encode()
    return [
        pid
        for pid in tree.processes()
        if pid != os.getpid() and (read_claim(pid) == claim or needle in tree.read_proc(pid, "cmdline"))
    ]


def gone(*pids: int) -> bool:
    """Return whether none of these processes is left, not even as a zombie."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def parent_of(pid: int) -> int:
    """Return the process that started this one, or took it over."""
    return tree.processes()[pid][0]


def zombies(pid: int) -> list[int]:
    """Return the children of a process that have ended and nobody waited for."""
    return [child for child in tree.descendants(pid) if b") Z " in tree.read_proc(child, "stat")]


async def known_pid(runner: Runner) -> int:
    """Return the runner's process id, once it has said hello."""
    pid = await eventually_async(lambda: runner.pid, timeout_s=20)
    assert pid is not None
    return pid


def open_fds(pid: int) -> int:
    """Return how many descriptors a process holds."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def wait_for(text: bytes) -> tuple[Callable[[int, bytes], None], Callable[[], bool]]:
    """Return a taker of output, and whether it has seen `text` on stdout."""
    seen = bytearray()

    def take(stream: int, chunk: bytes) -> None:
        if stream == 1:
            seen.extend(chunk)

    return take, lambda: text in seen
