"""What type checkers know of the public API: read by mypy, never run. An unused ignore is an error, too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from tqcli import Client, Handle, JobFailed, job
from tqcli.core.state import State
from tqcli.functions.signature import Signature


@job
def add(a: int, b: int = 0) -> int:
    """Return the sum."""
    return a + b


@job(queue="mail", retries=3, retry_on=(ConnectionError, 75, "timeout"), timeout="5m", key=lambda name: f"mail-{name}")
async def send(name: str) -> datetime:
    """Return when it was sent."""
    assert_type(await send(name), datetime)
    return datetime.now(UTC)


def check_jobs() -> None:
    """A job has the parameters of its function, and a handle its result."""
    assert_type(add(1, b=2), int)
    _ = assert_type(add.submit(1, 2), Handle[int])
    assert_type(add.submit(1).result(timeout=5), int)
    assert_type(add.delay(1, b=2).result(timedelta(seconds=5)), int)
    _ = assert_type(add.apply_async((1, 2), countdown=3, priority="low"), Handle[int])
    assert_type(add.s(1).submit().state(), State)
    assert_type(add.s(1), Signature[int])
    _ = assert_type(add.options(queue="mail").submit(1), Handle[int])
    assert_type(send.submit("a").result(), datetime)
    assert_type(send.options(delay="5m").submit("a").result(), datetime)


def check_refusals() -> None:
    """Wrong arguments and options are found before anything runs."""
    _ = add.submit("1")  # type: ignore[arg-type]
    _ = add.submit()  # type: ignore[call-arg]
    add.s(1, 2, 3)  # type: ignore[call-arg]
    add.options(retires=3)  # type: ignore[call-arg]
    job(timeout=5)  # type: ignore[call-overload]


async def check_coroutines() -> None:
    """The same from a coroutine."""
    handle = await add.asubmit(1, 2)
    _ = assert_type(handle, Handle[int])
    assert_type(await handle, int)
    assert_type(await handle.aresult(5), int)
    assert_type(await handle.alogs(), str)
    assert_type(await handle.acancel(), bool)
    async with Client("nats://localhost") as client:
        assert_type(await (await client.asubmit(send, "a")), datetime)


def check_client() -> None:
    """A client of one's own."""
    with Client(context="prod") as client:
        assert_type(client.submit(add, 1, b=2).result(), int)
        assert_type(client.handle("1xkbbg00a7c3k9mf").result(), Any)
        _ = client.submit(add, "1")  # type: ignore[arg-type]


def check_failure(error: JobFailed) -> None:
    """What a failure tells."""
    assert_type(error.type, str | None)
    assert_type(error.message, str)
    assert_type(error.traceback, str | None)
