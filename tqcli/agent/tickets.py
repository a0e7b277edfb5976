"""Tickets of a limited queue (see `jetstream.limits`): to start one of its jobs, the agent must hold one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from tqcli.errors import NotFound, TqError
from tqcli.jetstream.pull import GIVE_BACK, Delivery, Puller
from tqcli.jetstream.topology import consumer_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.agent.lease import Leases
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.connection import Connection

WAIT = timedelta(seconds=10)


class Ticket:
    """One running job's share of its queue's limit."""

    def __init__(self, settle: str) -> None:
        """`settle` is the ticket's delivery."""
        self.settle = settle


class Tickets:
    """The tickets of one queue in this agent's hands."""

    def __init__(
        self, broker: Broker, link: Connection, queue: str, *, leases: Leases, on_arrival: Callable[[], None]
    ) -> None:
        """`on_arrival` is called when a ticket came, so a job may start."""
        self._broker = broker
        self._queue = queue
        self._leases = leases
        self._on_arrival = on_arrival
        self._idle: list[Ticket] = []
        self._puller = Puller(link, broker.names.limits, queue, on_delivery=self._receive)
        self.limited = False

    async def open(self) -> None:
        """Listen, and learn whether the queue has a limit."""
        await self._puller.open()
        await self.refresh()

    async def refresh(self) -> None:
        """Learn anew whether the queue has a limit; a broker that does not answer changes nothing."""
        try:
            await consumer_info(self._broker.link, self._broker.names.limits, self._queue)
        except NotFound:
            self.limited = False
            await self.release()
        except TqError:
            return
        else:
            self.limited = True
        self._on_arrival()

    def room(self, free: int) -> int:
        """Return how many of `free` slots jobs of this queue may take now."""
        return min(free, len(self._idle)) if self.limited else free

    async def ask(self, wanted: int) -> None:
        """Ask for tickets, until `wanted` are idle here."""
        missing = wanted - len(self._idle)
        if self.limited and missing > 0 and not self._puller.asking:
            (await self._puller.ask(missing, wait=WAIT)).add_done_callback(lambda _: self._on_arrival())

    def take(self) -> Ticket | None:
        """Return an idle ticket, or None where the queue needs none."""
        return self._idle.pop() if self.limited and self._idle else None

    def put(self, ticket: Ticket) -> None:
        """Take a ticket back from a job that ended; the next one here may use it at once."""
        self._idle.append(ticket)

    async def close(self) -> None:
        """Take no more tickets, and give the idle ones back."""
        await self._puller.close()
        await self.release()

    async def release(self) -> None:
        """Give the idle tickets back: this agent has no use for them now."""
        while self._idle:
            ticket = self._idle.pop()
            self._leases.discard(ticket)
            await self._broker.link.publish(ticket.settle, GIVE_BACK)

    def forget(self) -> None:
        """Write off the requests of a lost connection."""
        self._puller.forget()

    def _receive(self, delivery: Delivery) -> None:
        ticket = Ticket(delivery.settle)
        self._leases.add(ticket)
        self._idle.append(ticket)
        self._on_arrival()


async def refresh_all(tickets: dict[str, Tickets], *, every_s: float) -> None:
    """Look every few seconds whether limits changed: the message that says so may get lost."""
    while True:
        await asyncio.sleep(every_s)
        for one in tickets.values():
            await one.refresh()
