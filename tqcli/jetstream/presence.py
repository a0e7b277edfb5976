"""Who is there: each agent renews an entry that vanishes 15 s after the last renewal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tqcli.errors import NotFound
from tqcli.jetstream.api import call
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.scan import oldest_first

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as it describes itself. `running` are ids of jobs, at most 50; `busy` is their true number."""

    name: str
    host: str
    pid: int
    version: str
    queues: tuple[str, ...]
    slots: int
    busy: int
    running: tuple[str, ...]
    draining: bool
    containment: str
    started_at: datetime
    seen_at: datetime


async def announce(broker: Broker, presence: Presence) -> None:
    """Renew an agent's entry; a lost one is renewed next time."""
    await broker.link.publish(broker.names.agent(presence.name), msgspec.json.encode(presence))


async def withdraw(broker: Broker, presence: Presence) -> None:
    """Remove an agent's entry.

    The server may purge before it stores what was published earlier. The answer to one last announcement says that all
    before it are stored.
    """
    subject = broker.names.agent(presence.name)
    await broker.link.post(subject, msgspec.json.encode(presence))
    await call(broker.link, f"STREAM.PURGE.{broker.names.agents}", {"filter": subject})


async def read_agents(broker: Broker) -> list[Presence]:
    """Return the agents that are there, by name."""
    try:
        stored = [m async for m in oldest_first(broker.link, broker.names.agents, broker.names.agent("*"))]
    except (NotFound, NoResponders):
        return []
    agents = [msgspec.json.decode(message.body, type=Presence) for message in stored]
    return sorted(agents, key=lambda agent: agent.name)
