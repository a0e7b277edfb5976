"""Functions that the tests submit."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tqcli import job

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Order:
    """What is passed about."""

    number: int
    due: datetime | None = None


class Busy(ConnectionError):
    """Something that passes."""


@job
def add(a: int, b: int = 1) -> int:
    """Return the sum, and say so."""
    print(f"{a} + {b}")  # noqa: T201 - the job's log
    return a + b


@job
async def add_later(a: int, b: int) -> int:
    """Return the sum, later."""
    await asyncio.sleep(0.001)
    return a + b


@job
def renumber(order: Order, table: dict[int, set[str]]) -> tuple[Order, dict[int, set[str]]]:
    """Return the next order, and the table as it came."""
    return replace(order, number=order.number + 1), table


@job
def double(text: str, *, times: int = 2) -> str:
    """Return the text, several times."""
    return text * times


@job
def fail(text: str) -> None:
    """Raise."""
    raise LookupError(text)


@job
def end_by_signal() -> None:
    """End in another way."""
    os.kill(os.getpid(), signal.SIGKILL)


@job(retries=5, backoff="none", retry_on=ConnectionError, no_retry_on=ConnectionResetError)
def connect(*, until: int, kind: str = "Busy") -> int:
    """Fail until this attempt."""
    attempt = int(os.environ["TQ_ATTEMPT"])
    if attempt < until:
        raise {"Busy": Busy, "reset": ConnectionResetError, "other": ValueError}[kind](attempt)
    return attempt


@job(key=lambda number: f"charge-{number}")
def charge(number: int) -> str:
    """Return who did it."""
    return f"{number}: {os.environ['TQ_JOB_ID']}"


@job
def wait_for_ever() -> None:
    """Wait."""
    signal.pause()
