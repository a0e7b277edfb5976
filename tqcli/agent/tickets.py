"""Tickets of a limited queue (see `jetstream.limits`): to start one of its jobs, the agent must hold one.

A ticket goes from job to job here for as long as it is this agent's beyond doubt: its lease had no gap, and it is still
in the stream. Any other one leaves unsettled, once it is idle: whoever has it now must not lose it through us.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from tqcli.errors import NotFound, TqError
from tqcli.jetstream.pull import GIVE_BACK, Delivery, Puller
from tqcli.jetstream.scan import is_stored
from tqcli.jetstream.topology import consumer_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.agent.lease import Leases
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.connection import Connection

WAIT = timedelta(seconds=10)


class Ticket:
    """One job's share of its queue's limit; idle while it waits for the job."""

    def __init__(self) -> None:
        """`settle` comes with the delivery."""
        self.settle = ""
        self.idle = True

    async def still_ours(self) -> bool:
        """Return False: no record says whose a ticket is, so after a gap in its lease it counts as another agent's."""
        return False


class Tickets:
    """The tickets of one queue in this agent's hands."""

    def __init__(
        self, broker: Broker, link: Connection, queue: str, *, leases: Leases, on_arrival: Callable[[], None]
    ) -> None:
        """`on_arrival` is called when a ticket came, so a job may start."""
        self._broker = broker
        self._link = link
        self._queue = queue
        self._leases = leases
        self._on_arrival = on_arrival
        self._tickets: dict[int, Ticket] = {}  # by sequence
        self._puller = Puller(link, broker.names.limits, queue, on_delivery=self._receive)
        self.limited = False

    async def open(self) -> None:
        """Listen, and learn whether the queue has a limit."""
        await self._puller.open()
        await self.refresh()

    async def refresh(self) -> None:
        """Learn anew whether the queue has a limit, and which of our tickets count; no answer changes nothing."""
        try:
            await consumer_info(self._link, self._broker.names.limits, self._queue)
            void = await self._find_void()
        except NotFound:
            self.limited = False
            void = list(self._tickets)
        except TqError:
            return
        else:
            self.limited = True
        for sequence in void:
            self._forget(sequence)
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
        if not self.limited or not (idle := self._idle):
            return None
        idle[0].idle = False
        return idle[0]

    def put(self, ticket: Ticket) -> None:
        """Take a ticket back from a job that ended; the next one here may use it at once, if it still counts."""
        ticket.idle = True

    async def close(self) -> None:
        """Take no more tickets, and give the idle ones back."""
        await self._puller.close()
        await self.release()

    async def release(self) -> None:
        """Give the idle tickets back: this agent has no use for them now.

        Without a connection they are only confirmed no more. Said later, after the lease, it would take the ticket out
        of another agent's hands.
        """
        for sequence, ticket in list(self._tickets.items()):
            if ticket.idle:
                to_return = self._link.connected and self._leases.holds(ticket)
                self._forget(sequence)
                if to_return:
                    await self._link.publish(ticket.settle, GIVE_BACK)

    def forget(self) -> None:
        """Write off the requests of a lost connection."""
        self._puller.forget()

    @property
    def _idle(self) -> list[Ticket]:
        """The tickets that a job may use now."""
        return [ticket for ticket in self._tickets.values() if ticket.idle and self._leases.holds(ticket)]

    async def _find_void(self) -> list[int]:
        """Return the sequences of the tickets that were removed, and of those that wait here without a lease."""
        limits, sequences = self._broker.names.limits, list(self._tickets)
        stored = await asyncio.gather(*(is_stored(self._link, limits, sequence) for sequence in sequences))
        return [
            sequence
            for sequence, there in zip(sequences, stored, strict=True)
            if (ticket := self._tickets.get(sequence))
            and (not there or (ticket.idle and not self._leases.holds(ticket)))
        ]

    def _forget(self, sequence: int) -> None:
        """Count a ticket no more, even where a job still runs on it."""
        if ticket := self._tickets.pop(sequence, None):
            self._leases.discard(ticket)

    def _receive(self, delivery: Delivery) -> None:
        if delivery.recheck:
            return  # it was under way for as long as a lease: another agent may have it
        # One that we have already comes again after a gap in its lease: if a job runs on it, it is not free.
        ticket = self._tickets.setdefault(delivery.sequence, Ticket())
        ticket.settle = delivery.settle
        self._leases.add(ticket)
        self._on_arrival()


async def refresh_all(tickets: dict[str, Tickets], *, every_s: float) -> None:
    """Look every few seconds whether limits changed: the message that says so may get lost."""
    while True:
        await asyncio.sleep(every_s)
        for one in tickets.values():
            await one.refresh()
