"""A link on which something happens while somebody waits: how tests come between two looks, without threads."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tqcli.jetstream.link import Link, Message, Subscription


class Lost(Enum):
    """Messages never arrive, as after a reconnect."""

    UNTIL_NEXT = auto()
    """The wait goes on with the next action."""
    UNTIL_LOOK = auto()
    """The wait ends as if its whole time had passed."""


class Bystander:
    """Does what `link` does; each of `actions` is done once, right before the next wait or pause.

    What an action returns says what becomes of the messages that it causes: see `Lost`.
    """

    def __init__(self, link: Link, actions: Iterable[Callable[[], object]]) -> None:
        """Act as `link`."""
        self._link = link
        self._actions = list(actions)
        self._subscriptions: list[Subscription] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    async def subscribe(self, subject: str) -> _Subscription:
        """Return a subscription whose waits are watched."""
        inner = await self._link.subscribe(subject)
        self._subscriptions.append(inner)
        return _Subscription(self, inner)

    async def sleep(self, seconds: float) -> None:
        """Pause, unless there is something to do."""
        if self._actions:
            self.act()
        else:
            await self._link.sleep(seconds)

    def act(self) -> object:
        """Do the next thing, if there is one, and return what it says."""
        return self._actions.pop(0)() if self._actions else None

    async def drop(self) -> None:
        """Lose what has arrived, or is about to, on all subscriptions."""
        for subscription in self._subscriptions:
            while await subscription.next(0.03) is not None:
                pass


class _Subscription:
    def __init__(self, bystander: Bystander, inner: Subscription) -> None:
        self._bystander = bystander
        self._inner = inner

    async def next(self, timeout_s: float | None) -> Message | None:
        while timeout_s != 0 and isinstance(lost := self._bystander.act(), Lost):
            await self._bystander.drop()
            if lost is Lost.UNTIL_LOOK:
                return None
        return await self._inner.next(timeout_s)

    async def close(self) -> None:
        await self._inner.close()
