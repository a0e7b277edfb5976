"""Words to agents at work (see `agent.control`): core NATS, at most once; a missed one costs time, never truth."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tqcli.errors import TqError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.link import Link


async def tell(link: Link, subjects: Iterable[str]) -> None:
    """Send an empty message to each of these control subjects, and have them leave at once."""
    with suppress(TqError):
        for subject in subjects:
            await link.publish(subject)
        await link.flush()


async def await_end(broker: Broker, agent: str, group: str, index: int, *, within: timedelta) -> None:
    """Return when nothing of a cancelled job runs on its agent any more, or that does not say so in time."""
    with suppress(TqError):
        await broker.link.post(broker.names.cancel(group, index), agent.encode(), timeout_s=within.total_seconds())
