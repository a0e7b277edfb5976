"""A connection in the background: one event loop in a thread of its own, for callers in any thread and on any loop."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from tqcli.errors import Unavailable
from tqcli.jetstream.admission import LoginRefused
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.connection import Connection, connect
from tqcli.jetstream.subjects import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

    from tqcli.core.endpoint import Endpoint
    from tqcli.local.hold import LocalHold
    from tqcli.settings.target import Target

T = TypeVar("T")

_CLOSE_S = 10.0
"""A broker that does not answer keeps nobody from ending for longer."""


class Background:
    """Runs coroutines over one connection, which is made for the first of them. Safe from threads, and after a fork."""

    def __init__(self, target: Target) -> None:
        """Nothing happens before the first `run`."""
        self._target = target
        self._lock = threading.Lock()
        self._life: _Life | None = None
        self._left: list[_Life] = []
        _all.add(self)

    def run(self, work: Callable[[Broker], Coroutine[Any, Any, T]]) -> T:
        """Return what `work` returns; it is cancelled where this is interrupted."""
        future = self._start(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def arun(self, work: Callable[[Broker], Coroutine[Any, Any, T]]) -> T:
        """Return what `work` returns, on whatever loop this is awaited."""
        return await asyncio.wrap_future(self._start(work))

    def close(self) -> None:
        """Leave; what is under way fails with `Unavailable`. Used again, it connects again."""
        with self._lock:
            life, self._life = self._life, None
        if life is not None:
            life.end()

    def leave_to_parent(self) -> None:
        """Forget, in the child of a fork, what is the parent's, and what only works there."""
        self._lock = threading.Lock()
        if self._life is not None:
            # Nothing of it is freed here: it would close or change what both processes have.
            self._left.append(self._life)
            self._life.leave_to_parent()
            self._life = None

    def _start(self, work: Callable[[Broker], Coroutine[Any, Any, T]]) -> Future[T]:
        with self._lock:
            if self._life is None:
                self._life = _Life(self._target)
            return asyncio.run_coroutine_threadsafe(self._life.perform(work), self._life.loop)


class _Life:
    """From the first use to the next `close`: a thread, its event loop, and what belongs to that loop."""

    def __init__(self, target: Target) -> None:
        """Start the thread."""
        self.loop = asyncio.new_event_loop()
        self._target = target
        self._stopping = asyncio.Event()
        self._connecting = asyncio.Lock()
        self._link: Connection | None = None
        self._hold: LocalHold | None = None
        self._names = Names("tq")
        self._thread = threading.Thread(target=self._live, name="tq", daemon=True)
        self._thread.start()

    async def perform(self, work: Callable[[Broker], Coroutine[Any, Any, T]]) -> T:
        """Return what `work` returns.

        Raises:
            Unavailable: there is no broker, or this has ended.
        """
        try:
            async with self._connecting:
                if self._link is None:
                    self._link = await self._connect()
            return await work(Broker(self._link, self._names))
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            msg = "the client was closed"
            raise Unavailable(msg) from None

    def end(self) -> None:
        """Leave the broker, and end the thread."""
        self.loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not threading.current_thread():
            self._thread.join(_CLOSE_S)

    def leave_to_parent(self) -> None:
        """Give up the copy of the hold that a fork made."""
        if self._hold is not None:
            self._hold.leave_to_parent()

    def _live(self) -> None:
        """Be the thread."""
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:  # cancels what is left, and closes the loop
            runner.run(self._wait())
        if self._hold is not None:
            self._hold.close()

    async def _wait(self) -> None:
        await self._stopping.wait()
        if self._link is not None:
            await self._link.close()

    async def _connect(self) -> Connection:
        endpoint = self._target.endpoint
        if endpoint is None:
            if self._hold is None:
                self._hold = await asyncio.to_thread(_hold_local)
            endpoint = self._hold.endpoint
        try:
            link = await connect(endpoint, name="tq python")
        except LoginRefused as error:
            raise LoginRefused(error.message, hint=self._target.login_hint) from error
        self._names = Names(endpoint.namespace)
        if self._hold is not None:
            link.locate_by(self._locate)
        return link

    def _locate(self) -> Endpoint | None:
        """Return where the local broker is now: after a restart it has another port, and another password."""
        status = None if self._hold is None else self._hold.look_again()
        return None if status is None else status.endpoint


def _hold_local() -> LocalHold:
    from tqcli.local.hold import hold_local  # noqa: PLC0415 - a fleet's users never need it

    return hold_local(agent=True)


_all: weakref.WeakSet[Background] = weakref.WeakSet()


def _after_fork() -> None:
    for background in tuple(_all):
        background.leave_to_parent()


os.register_at_fork(after_in_child=_after_fork)
