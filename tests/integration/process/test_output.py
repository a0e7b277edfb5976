"""What a command prints arrives: all of it, in order, in bounded memory, and without holding the slot."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.process.drive import (
    PIPE_BYTES,
    attempt,
    known_pid,
    make_command,
    make_python,
    run_all,
    run_once,
    wait_for,
)
from tests.support.eventually import eventually_async
from tqcli.core.outcome import Exited
from tqcli.process.pool import RunnerPool

NOISE = "import random, sys; r = random.Random(7)\nfor _ in range(800): sys.stdout.buffer.write(r.randbytes(65536))"


def test_streams_are_kept_apart() -> None:
    """Bytes as they are."""
    done = run_once(make_command("sh", "-c", r"printf 'out\377\0' ; printf 'err\n' >&2"))
    assert (done.stdout, done.stderr) == (b"out\xff\0", b"err\n")


def test_big_output_is_identical_and_memory_stays_bounded() -> None:
    """50 MB of noise, in chunks of at most 64 KiB."""
    digest, largest, total = hashlib.sha256(), 0, 0

    def take(_stream: int, chunk: bytes) -> None:
        nonlocal largest, total
        digest.update(chunk)
        largest, total = max(largest, len(chunk)), total + len(chunk)

    async def run() -> int:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            before = resident_bytes()
            ended = await runner.run(make_python(NOISE), on_output=take)
            assert ended.how == Exited(0)
            return resident_bytes() - before

    growth = asyncio.run(run())
    noise = random.Random(7)  # noqa: S311 - the command's own
    expected = hashlib.sha256()
    for _ in range(800):
        expected.update(noise.randbytes(65536))
    assert digest.digest() == expected.digest()
    assert (total, largest) == (800 * 65536, PIPE_BYTES)
    assert growth < 16_000_000


def resident_bytes() -> int:
    """Return how much memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_one_line_of_20_mb_arrives_whole() -> None:
    """Nobody waits for its end (H36)."""
    done = run_once(make_python("import sys; sys.stdout.write('x' * 20_000_000)"))
    assert done.stdout == b"x" * 20_000_000


@pytest.mark.parametrize("size", [1, PIPE_BYTES - 1, PIPE_BYTES, PIPE_BYTES + 1, 5 * PIPE_BYTES, 1_000_000])
def test_all_that_was_printed_before_the_end_is_read(size: int) -> None:
    """In one go, right before the exit, on both streams."""
    code = f"import os\nfor fd in (1, 2):\n left = {size}\n while left: left -= os.write(fd, b'x' * left)\nos._exit(0)"
    done = run_once(make_python(code))
    assert (len(done.stdout), len(done.stderr)) == (size, size)


def test_pipe_that_the_command_made_larger_is_read_to_its_end() -> None:
    """F_SETPIPE_SZ to 1 MiB, filled at once."""
    code = "import fcntl, os\nfcntl.fcntl(1, 1031, 1 << 20)\nos.write(1, b'x' * (1 << 20))"
    assert len(run_once(make_python(code)).stdout) == 1 << 20


def test_line_is_seen_while_the_command_runs() -> None:
    """Not only at its end."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            take, seen = wait_for(b"first")
            running = asyncio.create_task(runner.run(make_command("sh", "-c", "echo first; sleep 60"), on_output=take))
            await eventually_async(seen, timeout_s=20)
            runner.stop(timedelta(0))
            await running

    asyncio.run(check())


def test_error_in_the_taker_of_output_ends_the_attempt() -> None:
    """It comes out of `run`, and the runner is not used again."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()

            def take(_stream: int, _chunk: bytes) -> None:
                raise LookupError

            with pytest.raises(LookupError):
                await runner.run(make_command("sh", "-c", "echo a; sleep 60"), on_output=take)
            assert not runner.alive

    asyncio.run(check())


def test_daemon_that_holds_stdout_does_not_hold_the_slot() -> None:
    """It is killed as soon as the command has ended (H35)."""
    started = time.monotonic()
    done = run_once(make_command("sh", "-c", "setsid sleep 60 & echo done"))
    assert (done.how, done.stdout) == (Exited(0), b"done\n")
    assert time.monotonic() - started < 30


def test_stranger_that_holds_stdout_does_not_hold_the_slot() -> None:
    """This process is no descendant of the command, so it can only be left behind: after 2 s."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            chunks: list[bytes] = []
            command = make_command("sh", "-c", "echo $$; read line < /proc/$$/fd/0; sleep 60")
            running = asyncio.create_task(runner.run(command, on_output=lambda _, chunk: chunks.append(chunk)))
            await eventually_async(lambda: chunks, timeout_s=20)
            held = os.open(f"/proc/{int(chunks[0])}/fd/1", os.O_WRONLY)
            try:
                runner.stop(timedelta(0))
                os.write(held, b"from outside")
                started = time.monotonic()
                await running
                assert 1.9 < time.monotonic() - started < 10
            finally:
                os.close(held)
            assert b"".join(chunks[1:]) == b"from outside"
            assert (await attempt(runner, make_command("echo", "next"))).stdout == b"next\n"

    asyncio.run(check())


def test_command_that_closes_its_output_runs_on() -> None:
    """The end of its pipes is not its end."""
    done = run_all(make_command("sh", "-c", "exec >&- 2>&-; sleep 0.05; exit 7"), make_command("echo", "next"))
    assert [it.how for it in done] == [Exited(7), Exited(0)]
    assert done[1].stdout == b"next\n"


def test_output_of_the_attempt_before_is_not_seen() -> None:
    """Each attempt has pipes of its own, with no flag of another's: this one makes them non-blocking."""
    code = "import os; os.set_blocking(1, False); os.write(1, b'a')"
    blocking = "import os; print(os.get_blocking(1))"
    assert [it.stdout for it in run_all(make_python(code), make_python(blocking))] == [b"a", b"True\n"]


def test_commands_side_by_side_keep_their_output() -> None:
    """Eight runners at once, each with its own."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runners = [await pool.acquire() for _ in range(8)]
            assert len({await known_pid(runner) for runner in runners}) == 8
            commands = [make_command("sh", "-c", f"seq {number} {number + 20000}") for number in range(8)]
            done = await asyncio.gather(*map(attempt, runners, commands))
            for number, it in enumerate(done):
                assert it.stdout.split() == [str(line).encode() for line in range(number, number + 20001)]

    asyncio.run(check())
