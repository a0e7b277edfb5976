"""Driving real warm workers from a test, as an agent does."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tests.integration.process.drive import PATH, attempt
from tqcli.core.spec import Python
from tqcli.process.child import Ended
from tqcli.process.command import Call
from tqcli.process.pool import RunnerPool
from tqcli.process.python import parse_result, python_command
from tqcli.process.workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tqcli.process.command import Command
    from tqcli.process.warm import Limits, Unbegun, Worker

numbers = itertools.count(1)


class Told(NamedTuple):
    """A job after its end."""

    outcome: object
    stdout: bytes
    stderr: bytes


def job(place: Path, entrypoint: str, *args: object, stdin: bytes | None = None, name: str = "") -> Command:
    """Return the command of a Python job in `place`; `name` is its id."""
    variables = {"TQ_JOB_ID": name or f"job{next(numbers)}", "TQ_CLAIM": f"claim{next(numbers)}"}
    return python_command(
        Python(entrypoint, msgspec.Raw(msgspec.json.encode(args))),
        env={"PATH": PATH, **variables},
        cwd=str(place),
        stdin=stdin,
        call=Call(entrypoint, variables, (str(place),)),
    )


class Crew:
    """Workers with a way to give them jobs."""

    def __init__(self, pool: RunnerPool, workers: Workers) -> None:
        self.pool = pool
        self.workers = workers
        self.used: list[Worker] = []
        """Who ran each job."""
        self.unbegun: list[Unbegun] = []

    async def run(self, command: Command, on_output: Callable[[int, bytes], None] | None = None) -> Told:
        """Run a job to its end, in a worker while one can."""
        printed: dict[int, list[bytes]] = {1: [], 2: []}
        take = on_output or (lambda stream, chunk: printed[stream].append(chunk))
        for _ in range(10):
            worker = await self.workers.acquire(command)
            try:
                ended = await worker.run(command, on_output=take)
            finally:
                self.workers.release(worker, command)
            if isinstance(ended, Ended):
                self.used.append(worker)
                return Told(parse_result(ended), b"".join(printed[1]), b"".join(printed[2]))
            assert printed == {1: [], 2: []}
            self.unbegun.append(ended)
            if not ended.again:
                break
        return await self.run_fresh(command)

    async def run_fresh(self, command: Command) -> Told:
        """Run a job in a process of its own."""
        runner = await self.pool.acquire()
        done = await attempt(runner, command)
        self.pool.release(runner)
        return Told(parse_result(done.ended), done.stdout, done.stderr)


@asynccontextmanager
async def hire(*, most: int = 2, limits: Limits | None = None) -> AsyncIterator[Crew]:
    """Return a crew for the duration."""
    async with RunnerPool() as pool:
        workers = Workers(pool, most=most, limits=limits)
        yield Crew(pool, workers)
        await workers.close()


def with_crew(work: Callable[[Crew], Awaitable[None]], *, most: int = 2, limits: Limits | None = None) -> None:
    """Run `work` with a crew of its own."""

    async def run() -> None:
        async with hire(most=most, limits=limits) as crew:
            await work(crew)

    asyncio.run(run())
