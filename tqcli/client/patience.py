"""Asking again while the broker can't answer: whoever waits for a job outlives a restart of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tqcli.errors import Unavailable, Unknown
from tqcli.jetstream.admission import Unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tqcli.jetstream.broker import Broker

T = TypeVar("T")

_PAUSE_S = 0.5


async def insist(broker: Broker, read: Callable[[], Awaitable[T]]) -> T:
    """Return what `read` returns, trying again where an answer got lost or JetStream has no leader just now.

    Raises:
        Unavailable: the connection is lost, and the link's patience with it.
    """
    while True:
        try:
            return await read()
        except Unreachable:
            raise
        except (Unknown, Unavailable):
            await broker.link.sleep(_PAUSE_S)
