"""Waiting for a condition: the one place in the tests that sleeps."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_PAUSE_S = 0.01


def eventually(condition: Callable[[], T], timeout_s: float) -> T:
    """Return the condition's first true value; fail when `timeout_s` have passed without one."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not true within {timeout_s:g} s: {condition}"
        time.sleep(_PAUSE_S)
    return value


async def eventually_async(condition: Callable[[], T], timeout_s: float) -> T:
    """Return the condition's first true value, letting the event loop run; fail as `eventually` does."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not true within {timeout_s:g} s: {condition}"
        await asyncio.sleep(_PAUSE_S)
    return value
