"""Words to agents at work (see `agent.control`): core NATS, at most once; a missed one costs time, never truth."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tqcli.errors import TqError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tqcli.jetstream.link import Link


async def tell(link: Link, subjects: Iterable[str]) -> None:
    """Send an empty message to each of these control subjects, and have them leave at once."""
    with suppress(TqError):
        for subject in subjects:
            await link.publish(subject)
        await link.flush()
