"""Timers that fired: any agent moves the job from there back into its queue, and settles the firing after that.

A timer fires a little early (see `jetstream.timers`). So the firing is held here until its time, and no slot is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from tqcli.agent.desk import now
from tqcli.agent.unreadable import read_spec, stand_in_for_firing
from tqcli.errors import CorruptRecord, InvalidInput, TqError
from tqcli.jetstream.clock import BrokerClock
from tqcli.jetstream.enqueue import Item, enqueue
from tqcli.jetstream.pull import ACK, TERMINATE, Delivery, Puller
from tqcli.jetstream.subjects import split_schedule_firing
from tqcli.jetstream.timers import until_due_s
from tqcli.jetstream.topology import ensure_timers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tqcli.agent.schedules import Schedules
    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.connection import Connection

WAIT = timedelta(seconds=15)
TOGETHER = 256
MOVES_MOST = 4_096
MOVES_BYTES_MOST = 32 * 1024 * 1024
"""While so many firings are under way no more are asked for: each has a spec in memory, for 0.3 s."""

TROUBLE_PAUSE_S = 0.5


class Firings:
    """The consumer of firings; each one is moved by a task of its own."""

    def __init__(self, broker: Broker, link: Connection, schedules: Schedules) -> None:
        """Nothing is asked for before `run`."""
        self._broker = broker
        self._schedules = schedules
        self._puller = Puller(link, broker.names.timers, "firings", on_delivery=self._receive)
        self._moves: set[asyncio.Task[None]] = set()
        self._bytes = 0
        self._clock = BrokerClock(broker.link, broker.names.timers)

    async def run(self) -> None:
        """Move firings until cancelled; while the broker is away, keep trying."""
        step: Callable[[], Awaitable[None]] = self._puller.open
        while True:
            try:
                await step()
            except TqError:
                self._puller.forget()
                await asyncio.sleep(TROUBLE_PAUSE_S)
            else:
                step = self._take

    def reconnected(self) -> None:
        """The server knows none of our requests any more."""
        self._puller.forget()

    async def _take(self) -> None:
        """Have the next firings moved, as they come."""
        while len(self._moves) >= MOVES_MOST or self._bytes >= MOVES_BYTES_MOST:
            await asyncio.wait(self._moves, return_when=asyncio.FIRST_COMPLETED)
        if self._puller.gone:
            await asyncio.sleep(TROUBLE_PAUSE_S)
            with suppress(TqError):  # the broker is away, or elects a leader: the next answer tells
                await ensure_timers(self._broker.link, self._broker.names)
            self._puller.gone = False
        await (await self._puller.ask(TOGETHER, wait=WAIT))

    def _receive(self, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._move(delivery))
        self._moves.add(task)
        self._bytes += len(delivery.body)
        task.add_done_callback(partial(self._forget, len(delivery.body)))

    def _forget(self, size: int, task: asyncio.Task[None]) -> None:
        self._moves.discard(task)
        self._bytes -= size

    async def _move(self, delivery: Delivery) -> None:
        name = split_schedule_firing(delivery.subject)
        await self._hold(delivery)
        with suppress(TqError):  # it is delivered again when its lease ends
            how = await (self._enqueue(delivery) if name is None else self._tick(name, delivery))
            await self._broker.link.publish(delivery.settle, how)

    async def _tick(self, name: str, delivery: Delivery) -> bytes:
        """Let a schedule's planned time become what it is to become. Return how to settle the firing."""
        try:
            await self._schedules.fire(name, delivery.body)
        except InvalidInput:
            return TERMINATE
        return ACK

    async def _hold(self, delivery: Delivery) -> None:
        """Wait until the firing is due. Where the clock it goes by can't be asked, this host's must do."""
        if delivery.due is None:
            return
        try:
            time = await self._clock.now()
        except TqError:
            time = now()
        await self._broker.link.sleep(until_due_s(delivery, time))

    async def _enqueue(self, delivery: Delivery) -> bytes:
        """Enqueue under an id of this firing: moved twice, it is queued once. Return how to settle it."""
        try:
            spec = self._read(delivery)
        except InvalidInput:
            return TERMINATE
        subject = self._broker.names.job(spec.queue, spec.priority, spec.group, spec.index)
        item = Item(subject, f"{spec.group}.{spec.index}-fired-{delivery.sequence}", delivery.body)
        await enqueue(self._broker, item, recheck=True)
        return ACK

    def _read(self, delivery: Delivery) -> Spec:
        """Return where the job goes. What can't be read goes to a queue whose agent rejects it, with a record."""
        try:
            return read_spec(delivery, lambda spec: self._broker.names.firing(spec.group, spec.index))
        except (CorruptRecord, InvalidInput):
            return stand_in_for_firing(delivery.subject)
