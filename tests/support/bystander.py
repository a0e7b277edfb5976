"""A link on which something happens while somebody waits: how tests come between two looks, without threads or sleep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tqcli.jetstream.link import Link, Message, Subscription


class Bystander:
    """Does what `link` does; each of `actions` is done once, right before the next wait or pause.

    An action that returns True stands for the wait: nothing is heard, as if it had taken its whole time.
    """

    def __init__(self, link: Link, actions: Iterable[Callable[[], object]]) -> None:
        """Act as `link`."""
        self._link = link
        self._actions = list(actions)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    async def subscribe(self, subject: str) -> _Subscription:
        """Return a subscription whose waits are watched."""
        return _Subscription(self, await self._link.subscribe(subject))

    async def sleep(self, seconds: float) -> None:
        """Pause, unless there is something to do."""
        if self._actions:
            self.act()
        else:
            await self._link.sleep(seconds)

    def act(self) -> bool:
        """Do the next thing; return whether it stands for the wait."""
        return bool(self._actions) and self._actions.pop(0)() is True


class _Subscription:
    def __init__(self, bystander: Bystander, inner: Subscription) -> None:
        self._bystander = bystander
        self._inner = inner

    async def next(self, timeout_s: float | None) -> Message | None:
        if timeout_s != 0 and self._bystander.act():
            while await self._inner.next(0.05) is not None:
                pass
            return None
        return await self._inner.next(timeout_s)

    async def close(self) -> None:
        await self._inner.close()
