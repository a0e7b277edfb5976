"""Leases: every delivery in hand is confirmed every 2 s, by a request, so a confirmation is known to have arrived.

A stale holder's confirmation is answered OK too (H11), so the clock decides. A lease holds for `ACK_WAIT_S` from when
its last confirmation was *sent*: the server can only have counted from later. Where the next answer comes after that,
the delivery may have gone to another agent in between, so what we hold is asked whether it is still ours, again at
each confirmation until it could say. So it is after a restart of the server, which ends every lease; and a job's
holder is asked after each loss of the connection, for it may have missed that the job was cancelled.

Each delivery is on its own: one that can't be confirmed or asked delays none of the others and hides nothing from them.
The beat waits for no answer, so three tries fit into one lease and the last of them has a second. It is as
punctual as the event loop, and a loop that is blocked for 4 s costs two of the tries. The longest step known is a
standard input of 64 MiB, joined and hashed in 0.25 s; a line for the agent's log takes as long as whoever reads
stderr lets it. A process that was stopped, or a host that slept, sees its gap by the clock, which goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from tqcli.errors import TqError
from tqcli.jetstream.clock import now_s
from tqcli.jetstream.pull import IN_PROGRESS
from tqcli.jetstream.topology import ACK_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tqcli.jetstream.broker import Broker

BEAT_S = 2.0
"""Three tries fit into one lease."""


class Held(Protocol):
    """Something whose delivery we hold; `settle` is where it is confirmed."""

    settle: str

    async def still_ours(self) -> bool:
        """Return whether it is ours, now that it is confirmed again after its lease may have ended.

        Raises:
            TqError: that can't be told just now; it is asked again.
        """
        ...


class Leases:
    """The deliveries that this agent holds."""

    def __init__(self, broker: Broker) -> None:
        """Nothing is confirmed before `run`."""
        self._broker = broker
        self._confirmed_at: dict[Held, float] = {}
        self._beat_at = now_s()
        self._hurry = asyncio.Event()

    def add(self, held: Held) -> None:
        """Confirm this delivery from now on.

        Its lease counts from the last beat. What comes in when a stopped process goes on may have been under way for
        as long as it was stopped, and is seen before the next beat.
        """
        self._confirmed_at[held] = self._beat_at

    def discard(self, held: Held) -> None:
        """Confirm it no more."""
        self._confirmed_at.pop(held, None)

    def doubt(self, some: Iterable[Held] | None = None) -> None:
        """Count these leases, or all, for lost until they are confirmed anew, at once."""
        for held in self._confirmed_at if some is None else some:
            if held in self._confirmed_at:
                self._confirmed_at[held] = -math.inf
        self._hurry.set()

    def holds(self, held: Held) -> bool:
        """Return whether its lease can't have ended."""
        confirmed_at = self._confirmed_at.get(held)
        return confirmed_at is not None and now_s() - confirmed_at < ACK_WAIT_S

    async def run(self) -> None:
        """Confirm until cancelled."""
        async with asyncio.TaskGroup() as confirmations:
            while True:
                self._beat_at = now_s()
                for held in self._confirmed_at:
                    confirmations.create_task(self._confirm(held, self._beat_at))
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S):
                        await self._hurry.wait()
                self._hurry.clear()

    async def _confirm(self, held: Held, sent_at: float) -> None:
        with suppress(TqError):  # the next beat tries again
            await self._broker.link.post(held.settle, IN_PROGRESS, timeout_s=ACK_WAIT_S)
            if held not in self._confirmed_at:
                return
            if not self.holds(held) and not await held.still_ours():
                self.discard(held)
            elif held in self._confirmed_at:
                self._confirmed_at[held] = max(self._confirmed_at[held], sent_at)
