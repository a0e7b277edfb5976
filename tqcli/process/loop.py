"""The event loop of a worker: one for all its jobs, so that what they share, connections say, may live on.

A job leaves nothing in it: as with `asyncio.run`, tasks that still run are cancelled and threads waited for.
"""

from __future__ import annotations

import _thread
import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CoroutineType


class Loop:
    """Runs coroutines, one after another."""

    def __init__(self) -> None:
        """Nothing is made before it is needed."""
        self._runner = asyncio.Runner()
        self._executor: ThreadPoolExecutor | None = None

    def run(self, coroutine: CoroutineType[Any, Any, Any]) -> object:
        """Return what the coroutine returns, once nothing of it is left.

        Raises:
            Exception: whatever it raises.
        """
        loop = self._runner.get_loop()
        if loop.is_closed():  # by the job before
            self._runner = asyncio.Runner()
            self._executor = None
            loop = self._runner.get_loop()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(thread_name_prefix="asyncio")
            loop.set_default_executor(self._executor)
        threads = _thread._count()  # noqa: SLF001 - public in all but name
        try:
            return self._runner.run(coroutine, context=copy_context())
        finally:
            if not loop.is_closed():
                self._cancel_tasks(loop)
            if _thread._count() != threads:  # noqa: SLF001 - as above
                self._executor.shutdown()
                self._executor = None

    def _cancel_tasks(self, loop: asyncio.AbstractEventLoop) -> None:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self._runner.run(wait_for(tasks))


async def wait_for(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait until all have ended, in whatever way."""
    await asyncio.wait(tasks)
