"""What waits for messages on asyncio: requests and subscriptions of a `Connection`."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tqcli.errors import TqError
    from tqcli.jetstream.link import Message


class Request:
    """A request under way; `sent` is false while there is no connection to send it on."""

    __slots__ = ("_replies", "future", "sent", "subject", "timer")

    timer: asyncio.TimerHandle

    def __init__(self, subject: str, future: asyncio.Future[Any], replies: list[Message] | None) -> None:
        """Collect in `replies` until one has a status, or take one where that is None."""
        self._replies = replies
        self.subject = subject
        self.future = future
        self.sent = False

    def take(self, message: Message) -> bool:
        """Take a reply; return whether it was the last."""
        if self._replies is not None:
            self._replies.append(message)
            if message.status is None:
                return False
        self.timer.cancel()
        if not self.future.done():  # whoever waited may have left
            self.future.set_result(message)
        return True

    def fail(self, error: TqError) -> None:
        """End without a reply."""
        self.timer.cancel()
        if not self.future.done():
            self.future.set_exception(error)


class CallbackSubscription:
    """Hands each message to a callback, on the event loop, as it arrives."""

    def __init__(
        self,
        subject: str,
        callback: Callable[[Message], None],
        leave: Callable[[CallbackSubscription], Awaitable[None]],
    ) -> None:
        """See `Connection.subscribe_callback`."""
        self._callback = callback
        self._leave = leave
        self.subject = subject
        self.sid = 0
        self.error: TqError | None = None

    async def close(self) -> None:
        """Ask for no more; what is on its way comes before this returns."""
        await self._leave(self)

    def take(self, message: Message) -> bool:
        """Take a message; there is no last one."""
        try:
            self._callback(message)
        except Exception as error:  # noqa: BLE001 - one bad callback must not make the whole connection deaf (H22)
            context = {"message": f"handling a message on {message.subject}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
        return False

    def fail(self, error: TqError) -> None:
        """Note that no more will come, and why."""
        self.error = error


class QueueSubscription(CallbackSubscription):
    """Messages of a subject, in the order they arrive."""

    def __init__(self, subject: str, leave: Callable[[CallbackSubscription], Awaitable[None]]) -> None:
        """See `Connection.subscribe`."""
        super().__init__(subject, self._put, leave)
        self._messages: deque[Message] = deque()
        self._news = asyncio.Event()

    async def next(self, timeout_s: float | None) -> Message | None:
        """Return the next message, or None after `timeout_s` seconds (None: wait for ever).

        Raises:
            Unavailable: the connection was closed. A lost one comes back, however long that takes.
        """
        if not self._messages:
            try:
                async with asyncio.timeout(timeout_s):
                    while not self._messages and self.error is None:
                        self._news.clear()
                        await self._news.wait()
            except TimeoutError:
                return None
            if self.error is not None and not self._messages:
                raise self.error
        return self._messages.popleft()

    def fail(self, error: TqError) -> None:
        """Note that no more will come, and why."""
        super().fail(error)
        self._news.set()

    def _put(self, message: Message) -> None:
        self._messages.append(message)
        self._news.set()
