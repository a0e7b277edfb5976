"""Several subscriptions, waited for as one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tqcli.jetstream.link import Link, Message, Subscription

_FIRST_LOOK_S = 0.002
_LAST_LOOK_S = 0.025
"""A link waits for one subscription at a time, so the others are looked at in between: this late at most."""


class Inbox:
    """Messages of several subjects."""

    def __init__(self) -> None:
        """Listen to nothing yet."""
        self._subscriptions: list[Subscription] = []

    async def open(self, link: Link, subjects: Iterable[str]) -> None:
        """Listen to `subjects`; those named first are heard soonest."""
        for subject in subjects:
            self._subscriptions.append(await link.subscribe(subject))

    async def next(self, timeout_s: float) -> Message | None:
        """Return the next message, or None after `timeout_s` seconds.

        Raises:
            Unavailable: the connection is lost and did not come back.
        """
        first, *others = self._subscriptions
        if not others:
            return await first.next(timeout_s)
        deadline = time.monotonic() + timeout_s
        look_s = _FIRST_LOOK_S
        while True:
            for subscription in self._subscriptions:
                if (message := await subscription.next(0)) is not None:
                    return message
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return None
            if (message := await first.next(min(look_s, left_s))) is not None:
                return message
            look_s = min(look_s * 2, _LAST_LOOK_S)

    async def close(self) -> None:
        """Ask for no more."""
        while self._subscriptions:
            await self._subscriptions.pop().close()
