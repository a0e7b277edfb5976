"""What an agent is told while it works: cancel a job, take a delivery over, drain, look at a queue's limit again.

All of it is core NATS, at most once: a missed word costs time, never truth. A cancelled job's record is final already,
so its agent loses the next compare-and-set.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tqcli.agent.execution import Stop
from tqcli.agent.handover import Offer, answer
from tqcli.core.claim import Claim
from tqcli.jetstream.subjects import split_tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.agent.attempt import Attempt
    from tqcli.agent.intake import Intake
    from tqcli.jetstream.connection import Connection
    from tqcli.jetstream.link import Message
    from tqcli.jetstream.subjects import Names


class Control:
    """The control subjects of one agent."""

    def __init__(
        self,
        link: Connection,
        names: Names,
        agent: str,
        *,
        attempts: set[Attempt],
        intake: Intake,
        on_drain: Callable[[], None],
    ) -> None:
        """`attempts` are those that this agent performs now."""
        self._link = link
        self._names = names
        self._agent = agent
        self._attempts = attempts
        self._intake = intake
        self._on_drain = on_drain
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen."""
        names = self._names
        await self._link.subscribe_callback(names.cancel("*", "*"), self._cancel)
        await self._link.subscribe_callback(names.holder(self._agent), self._take_offer)
        await self._link.subscribe_callback(names.drain(self._agent), lambda _: self._on_drain())
        await self._link.subscribe_callback(names.changed("*"), self._refresh)

    def _cancel(self, message: Message) -> None:
        job = split_tail(message.subject)
        self._intake.drop(*job)
        ours = [attempt for attempt in self._attempts if (attempt.group, attempt.index) == job]
        for attempt in ours:
            attempt.stop(Stop.CANCELLED)
        # All agents hear it; who waits for the end names the one that has the job.
        if message.reply and message.body == self._agent.encode():
            self._keep(asyncio.get_running_loop().create_task(self._tell_end(ours, message.reply)))

    async def _tell_end(self, attempts: list[Attempt], reply: str) -> None:
        for attempt in attempts:
            await attempt.over.wait()
        await self._link.publish(reply)

    def _take_offer(self, message: Message) -> None:
        if message.reply:
            self._spawn_publish(message.reply, answer(message, self._adopt))

    def _adopt(self, offer: Offer) -> bool:
        claim = Claim.parse(offer.claim)
        for attempt in self._attempts:
            if attempt.claim == claim:
                attempt.settle = offer.settle
                return True
        return False

    def _refresh(self, message: Message) -> None:
        tickets = self._intake.tickets.get(message.subject.rpartition(".")[2])
        if tickets is not None:
            self._keep(asyncio.get_running_loop().create_task(tickets.refresh()))

    def _spawn_publish(self, subject: str, body: bytes) -> None:
        self._keep(asyncio.get_running_loop().create_task(self._link.publish(subject, body)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
