"""The intake: asks for exactly as many jobs as can start, the most urgent first.

A queue has one consumer for each priority. A line (one level of one queue) is *hot* while it is known to have jobs, and
*parked* while it is known to be empty: then one waiting request lies at the server, and the first job that comes
through makes the line hot again. Free slots are offered to the hot lines in the order of priority, one after the other,
so a low job starts only where no high one waited. An idle agent costs one request for each line in 15 s, and a busy one
asks only where there is something.

Read-ahead: while attempts are short, waiting for the next request would cost more than they do. So up to 50 ms of work
(at the pace measured here) is held ready; what could not start within 250 ms goes back, for others to run.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from tqcli.agent.desk import say
from tqcli.agent.tickets import Ticket, Tickets
from tqcli.errors import TqError, Unavailable, Unknown
from tqcli.jetstream.clock import now_s
from tqcli.jetstream.pull import GIVE_BACK, Delivery, Puller
from tqcli.jetstream.subjects import LEVELS
from tqcli.jetstream.topology import ACK_WAIT_S, ensure_queue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tqcli.agent.lease import Leases
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.connection import Connection

PARKED_FOR = timedelta(seconds=15)
AHEAD_S = 0.05
AHEAD_MOST = 256
STALE_S = 0.25
TROUBLE_PAUSE_S = 0.5
"""For how long a line, or with the broker away all of them, is left alone after an error."""

UNRECORDED_MOST = 256
"""Attempts that have ended, but whose records are still on their way: no more jobs while the broker can't keep up."""

PACE_WEIGHT = 0.2


class Line:
    """One level of one queue, and its deliveries that are held ready."""

    def __init__(self, queue: str, level: str, puller: Puller) -> None:
        """A line is taken for hot until it proves empty."""
        self.queue = queue
        self.level = level
        self.puller = puller
        self.hot = True
        self.trouble = ""
        self.closed_until = 0.0
        self.ready: deque[tuple[float, Delivery, Ticket | None]] = deque()


class Intake:
    """Feeds `perform` with deliveries; `perform` calls what it is given once the slot is free."""

    def __init__(
        self,
        broker: Broker,
        link: Connection,
        queues: tuple[str, ...],
        *,
        slots: int,
        leases: Leases,
        perform: Callable[[Delivery, Callable[[], None]], Awaitable[None]],
    ) -> None:
        """Prepare; nothing is asked for before `run`."""
        self._broker = broker
        self._slots = slots
        self._perform = perform
        self._typical_s: float | None = None
        self._wake = asyncio.Event()
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._returns: set[asyncio.Task[None]] = set()
        self._draining = False
        self.tickets = {
            queue: Tickets(broker, link, queue, leases=leases, on_arrival=self._wake.set) for queue in queues
        }
        self._levels = [deque(self._line(link, queue, level) for queue in queues) for level in LEVELS]

    @property
    def _lines(self) -> Iterator[Line]:
        """All lines, the most urgent first."""
        return chain.from_iterable(self._levels)

    @property
    def busy(self) -> int:
        """Slots in use."""
        return self._busy

    async def run(self) -> None:
        """Take jobs until cancelled."""
        for tickets in self.tickets.values():
            await tickets.open()
        for line in self._lines:
            await line.puller.open()
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._fill()
            except TqError:  # the broker is away, or elects a leader
                await asyncio.sleep(TROUBLE_PAUSE_S)
                self._wake.set()

    async def drain(self) -> None:
        """Take nothing new; return when what runs has ended. Requests that wait at the server are taken back."""
        self._draining = True
        for line in self._lines:
            await line.puller.close()
            while line.ready:
                await self._give_back(*line.ready.popleft()[1:], line.queue)
        for tickets in self.tickets.values():
            await tickets.close()
        while self._tasks or self._returns:
            await asyncio.wait(self._tasks | self._returns)

    def drop(self, group: str, index: int) -> None:
        """Forget a job that is held ready: it was cancelled, and has its final record."""
        for line in self._lines:
            for held in [one for one in line.ready if one[1].subject.endswith(f".{group}.{index}")]:
                line.ready.remove(held)
                self._return(*held[1:], line.queue)

    def reconnected(self) -> None:
        """The server knows none of our requests any more: ask again."""
        for line in self._lines:
            line.puller.forget()
            line.hot = True
        for tickets in self.tickets.values():
            tickets.forget()
        self._wake.set()

    # asking -------------------------------------------------------------------------------------------------------

    async def _fill(self) -> None:
        """Offer what is free to the lines in the order of priority; park those that are empty."""
        self._give_back_stale()
        if self._room > 0:
            await self._ask_all()
        if self._free <= 0:
            for tickets in self.tickets.values():
                await tickets.release()

    async def _ask_all(self) -> None:
        for level in self._levels:
            level.rotate(1)  # queues take turns within a level
        for line in list(self._lines):
            if self._draining:
                return
            if line.closed_until > time.monotonic():
                continue
            try:
                await self._ask(line)
            except (Unknown, Unavailable):
                raise
            except TqError as error:
                self._close(line, str(error))

    async def _ask(self, line: Line) -> None:
        """Ask one line for what may start."""
        if line.puller.gone:
            await ensure_queue(self._broker.link, self._broker.names, line.queue)
            line.puller.gone = False
            # Removed and made again, or without a leader just now: a new request would get the same answer at once.
            self._close(line, "")
            return
        await line.puller.settle_doubt()
        line.trouble = ""
        tickets = self.tickets[line.queue]
        await tickets.ask(self._free)
        room = tickets.room(self._room)
        if line.hot and room > 0 and not line.puller.asking:
            came = await (await line.puller.ask(room, wait=None))
            line.hot = came == room
        if not line.hot and tickets.room(self._room) > 0 and not line.puller.asking:
            (await line.puller.ask(1, wait=PARKED_FOR)).add_done_callback(lambda _: self._wake.set())

    def _close(self, line: Line, trouble: str) -> None:
        """Leave a line alone for a moment, and say why, once: the others go on."""
        if trouble and trouble != line.trouble:
            say(f"queue {line.queue}: {trouble}; trying again")
        line.trouble = trouble
        line.closed_until = time.monotonic() + TROUBLE_PAUSE_S
        asyncio.get_running_loop().call_later(TROUBLE_PAUSE_S, self._wake.set)

    @property
    def _free(self) -> int:
        return self._slots - self._busy

    @property
    def _held_ready(self) -> int:
        return sum(len(line.ready) for line in self._lines)

    @property
    def _room(self) -> int:
        """Deliveries that may come now; small refills of the read-ahead wait until they are worth a request."""
        if len(self._tasks) - self._busy > UNRECORDED_MOST:
            return 0
        ahead = self._ahead
        room = self._free + ahead - self._held_ready
        return room if room > ahead // 2 else 0

    @property
    def _ahead(self) -> int:
        if self._typical_s is None:
            return 0
        return min(int(self._slots * AHEAD_S / max(self._typical_s, 1e-6)), AHEAD_MOST)

    # deliveries ---------------------------------------------------------------------------------------------------

    def _line(self, link: Connection, queue: str, level: str) -> Line:
        def receive(delivery: Delivery) -> None:
            self._receive(line, delivery)

        consumer = self._broker.names.queue_consumer(queue, level)
        line = Line(queue, level, Puller(link, self._broker.names.jobs, consumer, on_delivery=receive))
        return line

    def _receive(self, line: Line, delivery: Delivery) -> None:
        line.hot = True
        tickets = self.tickets[line.queue]
        ticket = tickets.take()
        if self._draining or (tickets.limited and ticket is None):
            self._return(delivery, ticket, line.queue)
        elif self._free > 0 and not self._held_ready:
            self._start(line.queue, delivery, ticket)
        elif self._ahead > 0:
            if not self._held_ready:
                asyncio.get_running_loop().call_later(STALE_S, self._wake.set)
            line.ready.append((now_s(), delivery, ticket))
        else:
            # More than one parked line answered for the same free slot (H46).
            self._return(delivery, ticket, line.queue)
        self._wake.set()

    def _start(self, queue: str, delivery: Delivery, ticket: Ticket | None) -> None:
        self._busy += 1
        task = asyncio.get_running_loop().create_task(self._perform_one(queue, delivery, ticket))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _perform_one(self, queue: str, delivery: Delivery, ticket: Ticket | None) -> None:
        """Have one delivery performed. Its slot is free before its record is written."""
        started = time.monotonic()
        holding = True

        def free() -> None:
            nonlocal holding
            if holding:
                holding = False
                self._free_slot(queue, ticket, time.monotonic() - started)

        try:
            await self._perform(delivery, free)
        finally:
            free()
            self._wake.set()
            if self._draining:
                await self.tickets[queue].release()

    def _free_slot(self, queue: str, ticket: Ticket | None, took_s: float) -> None:
        self._busy -= 1
        if ticket is not None:
            self.tickets[queue].put(ticket)
        typical_s = took_s if self._typical_s is None else self._typical_s
        self._typical_s = typical_s + PACE_WEIGHT * (took_s - typical_s)
        self._give_back_stale()
        for line in self._lines:
            while line.ready and self._free > 0 and not self._draining:
                _, delivery, held = line.ready.popleft()
                self._start(line.queue, delivery, held)
        self._wake.set()

    def _give_back_stale(self) -> None:
        """Give back what has been held ready too long: the pace was guessed wrong, others may have a free slot.

        After its lease it is nobody's to give back: another agent may have it.
        """
        now = now_s()
        for line in self._lines:
            while line.ready and now - line.ready[0][0] > STALE_S:
                came_at, delivery, ticket = line.ready.popleft()
                self._typical_s = None
                if now - came_at < ACK_WAIT_S:
                    self._return(delivery, ticket, line.queue)
                elif ticket is not None:
                    self.tickets[line.queue].put(ticket)

    async def _give_back(self, delivery: Delivery, ticket: Ticket | None, queue: str) -> None:
        """Give back what can't start here; where the broker is away its lease ends by itself."""
        with suppress(TqError):
            await self._broker.link.publish(delivery.settle, GIVE_BACK)
        if ticket is not None:
            self.tickets[queue].put(ticket)
            if self._draining:
                await self.tickets[queue].release()

    def _return(self, delivery: Delivery, ticket: Ticket | None, queue: str) -> None:
        task = asyncio.get_running_loop().create_task(self._give_back(delivery, ticket, queue))
        self._returns.add(task)
        task.add_done_callback(self._returns.discard)
