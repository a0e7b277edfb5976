"""The jobs of a queue that wait for their time or a retry: the timers that hold their messages know of no queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tqcli.client.paging import in_pages
from tqcli.client.query import PAGE
from tqcli.core.glance import SpecGlance
from tqcli.jetstream.scan import oldest_first

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.scan import Stored

_glance = msgspec.json.Decoder(SpecGlance).decode


async def read_timed(broker: Broker, queue: str) -> AsyncIterator[list[Stored]]:
    """Yield the messages of the queue's jobs that are in timers or have just fired, by the page.

    All timers are read for that: 100,000 in a second or two.
    """
    names = broker.names
    for subject in names.timers_of("*"):
        async for page in in_pages(oldest_first(broker.link, names.timers, subject, page=PAGE), PAGE):
            if found := [message for message in page if _is_of(queue, message.body)]:
                yield found


async def count_timed(broker: Broker, queue: str) -> int:
    """Return how many there are."""
    return sum([len(page) async for page in read_timed(broker, queue)])


def _is_of(queue: str, body: bytes) -> bool:
    try:
        return _glance(body).queue == queue
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
