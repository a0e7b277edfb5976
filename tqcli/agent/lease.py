"""Leases: every delivery in hand is confirmed every 2.5 s, by a request, so a confirmation is known to have arrived.

A lease that could not be confirmed in time may have gone to another agent. The record knows: after such a gap each
holder looks whether its claim still stands, and stops its child where it does not.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from tqcli.errors import TqError
from tqcli.jetstream.pull import IN_PROGRESS
from tqcli.jetstream.topology import ACK_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tqcli.jetstream.broker import Broker

BEAT_S = 2.5
"""Three tries fit into one lease."""


class Held(Protocol):
    """Something whose delivery we hold."""

    settle: str


class Leases:
    """The deliveries that this agent holds."""

    def __init__(self, broker: Broker, *, on_gap: Callable[[], Awaitable[None]]) -> None:
        """`on_gap` is awaited when leases are confirmed again after a time in which they may have been lost."""
        self._broker = broker
        self._on_gap = on_gap
        self._held: set[Held] = set()

    def add(self, held: Held) -> None:
        """Confirm this delivery from now on."""
        self._held.add(held)

    def discard(self, held: Held) -> None:
        """Confirm it no more."""
        self._held.discard(held)

    async def run(self) -> None:
        """Confirm until cancelled."""
        confirmed_at = time.monotonic()
        while True:
            await asyncio.sleep(BEAT_S)
            held = list(self._held)
            results = await asyncio.gather(*(self._confirm(one) for one in held))
            if not all(results):
                continue
            if time.monotonic() - confirmed_at > ACK_WAIT_S:
                try:
                    await self._on_gap()
                except TqError:
                    continue  # away again: still a gap
            confirmed_at = time.monotonic()

    async def _confirm(self, held: Held) -> bool:
        try:
            await self._broker.link.post(held.settle, IN_PROGRESS, timeout_s=BEAT_S)
        except TqError:
            return False
        return True
