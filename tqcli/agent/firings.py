"""Timers that fired: any agent moves the job from there back into its queue, and settles the firing after that."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from tqcli.agent.unreadable import stand_in_for_firing
from tqcli.core.codec import decode_spec
from tqcli.errors import CorruptRecord, TqError
from tqcli.jetstream.enqueue import Item, enqueue
from tqcli.jetstream.pull import ACK, Delivery, Puller
from tqcli.jetstream.topology import ensure_timers

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.connection import Connection

WAIT = timedelta(seconds=15)
TOGETHER = 64
TROUBLE_PAUSE_S = 0.5


class Firings:
    """The consumer of firings; each one is moved by a task of its own."""

    def __init__(self, broker: Broker, link: Connection) -> None:
        """Nothing is asked for before `run`."""
        self._broker = broker
        self._puller = Puller(link, broker.names.timers, "firings", on_delivery=self._receive)
        self._moves: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Move firings until cancelled."""
        await self._puller.open()
        while True:
            if self._puller.gone:
                await asyncio.sleep(TROUBLE_PAUSE_S)
                with suppress(TqError):  # the broker is away, or elects a leader: the next answer tells
                    await ensure_timers(self._broker.link, self._broker.names)
                self._puller.gone = False
            await (await self._puller.ask(TOGETHER, wait=WAIT))

    def reconnected(self) -> None:
        """The server knows none of our requests any more."""
        self._puller.forget()

    def _receive(self, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._move(delivery))
        self._moves.add(task)
        task.add_done_callback(self._moves.discard)

    async def _move(self, delivery: Delivery) -> None:
        """Enqueue under an id of this firing: moved twice, it is queued once."""
        try:
            spec = decode_spec(delivery.body)
        except CorruptRecord:
            spec = stand_in_for_firing(delivery.subject)  # its queue's agent rejects the bytes, with a record
        subject = self._broker.names.job(spec.queue, spec.priority, spec.group, spec.index)
        item = Item(subject, f"{spec.group}.{spec.index}-fired-{delivery.sequence}", delivery.body)
        try:
            await enqueue(self._broker, item, recheck=True)
        except TqError:
            return  # it is delivered again when its lease ends
        await self._broker.link.publish(delivery.settle, ACK)
