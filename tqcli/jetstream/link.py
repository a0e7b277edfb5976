"""A link: one connection to a broker, as the rest of tq sees it.

There are two. `plain.PlainLink` is a blocking socket, made for commands that live for 50 ms: importing asyncio and
nats-py takes longer than most of them run. `connection.Connection` is nats-py on asyncio, made for agents that live for
months. Everything above is written once, as `async def` over `Link`: on a plain link nothing ever suspends, and
`plain.drive` runs such a coroutine to its end without an event loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from tqcli.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable

REQUEST_TIMEOUT_S = 5.0
"""A request's limit: JetStream answers within milliseconds, or a leader is being elected and the caller tries again."""

NO_RESPONDERS = 503


class NoResponders(Unavailable):
    """Nobody listens on the subject: the stream is not there, or has no leader just now. It did not happen."""


class Message(msgspec.Struct, frozen=True):
    """What arrived on a subject. `status` is the code of NATS's status line (100, 204, 404, 408, 503 …), or None."""

    subject: str
    reply: str | None
    headers: Mapping[str, str]
    body: bytes
    status: int | None = None
    description: str = ""


class ServerInfo(msgspec.Struct, frozen=True):
    """What the server said of itself. `url` is the one in use, without credentials; `max_payload` in bytes.

    `id` is new each time it starts; `connected_at` is when this connection to it was made, by the monotonic clock.
    """

    url: str
    name: str
    version: str
    max_payload: int
    jetstream: bool
    cluster: str | None = None
    id: str = ""
    connected_at: float = 0.0


class Subscription(Protocol):
    """Messages of a subject, in the order they arrive."""

    async def next(self, timeout_s: float | None) -> Message | None:
        """Return the next message, or None after `timeout_s` seconds (None: wait for ever).

        Raises:
            Unavailable: the connection is lost and did not come back.
        """
        ...

    async def close(self) -> None:
        """Ask for no more."""
        ...


class Link(Protocol):
    """One connection to a broker."""

    @property
    def server(self) -> ServerInfo:
        """The server at the other end."""
        ...

    async def publish(
        self, subject: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None, reply: str | None = None
    ) -> None:
        """Send and forget: nothing durable depends on it alone (H3)."""
        ...

    def post(
        self,
        subject: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Awaitable[Message]:
        """Send a request now; await the result for its one reply. Several may be under way at once.

        Raises (from the await):
            Unknown: no reply within `timeout_s`, or the connection was lost after sending. It may have happened.
            NoResponders: nobody listens on the subject (status 503): it did not happen.
            Forbidden: the server refuses this subject to this user.
        """
        ...

    async def subscribe(self, subject: str) -> Subscription:
        """Return a subscription that is in force at the server when this returns."""
        ...

    async def request_many(self, subject: str, body: bytes, *, timeout_s: float = REQUEST_TIMEOUT_S) -> list[Message]:
        """Return all replies up to the one with a status (204 ends a batch, 404 says there is none), that one included.

        Raises: as `post`.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Pause."""
        ...

    async def flush(self) -> None:
        """Return when the server has taken in all that was published.

        Raises:
            Unknown: it did not say so in time.
        """
        ...

    async def close(self) -> None:
        """Flush what was published and leave."""
        ...
