"""Everything on one screen: queues, agents, and how the last jobs ended.

What waits and runs is counted by the consumers, so it costs the same with ten jobs as with a million; of the ended ones
only the newest are looked at.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tqcli.client.queues import Queue, list_queues
from tqcli.client.schedules import list_schedules
from tqcli.core.glance import glance
from tqcli.core.schedules.view import describe_schedule
from tqcli.core.state import State
from tqcli.errors import NotFound
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.lookup import count_messages
from tqcli.jetstream.presence import Presence, read_agents
from tqcli.jetstream.scan import newest_first

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

RECENT = 1000
"""Records that are looked at."""

SCHEDULES = 200
"""Schedules that are looked at, in one page; of more, only their number is told."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """The schedules: how many there are, are paused, are in trouble; which one runs next, and when.

    Where there are too many to look at, only how many there are is known.
    """

    total: int
    paused: int | None = None
    trouble: int | None = None
    next: str | None = None
    next_at: datetime | None = None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The whole broker. `waiting` jobs wait for their time or retry; `recent` counts ended jobs, the oldest `since`.

    `more`: there are older ones, which were not looked at.
    """

    server: str
    queues: tuple[Queue, ...]
    agents: tuple[Presence, ...]
    queued: int
    running: int
    waiting: int
    recent: dict[State, int]
    since: datetime | None
    more: bool
    schedules: Planned

    @property
    def unused(self) -> bool:
        """True where nobody ever did anything here."""
        ended_or_due = self.recent or self.waiting or self.schedules.total
        return not self.queues and not self.agents and not ended_or_due


async def load_overview(broker: Broker) -> Overview:
    """Return the state of the whole broker; of an unused one, nothing but its server."""
    queues = await list_queues(broker)
    recent, since, more = await _count_recent(broker)
    return Overview(
        server=broker.link.server.url,
        queues=tuple(queues),
        agents=tuple(await read_agents(broker)),
        queued=sum(queue.queued for queue in queues),
        running=sum(queue.running for queue in queues),
        waiting=await _count_timers(broker),
        recent=recent,
        since=since,
        more=more,
        schedules=await _look_at_schedules(broker),
    )


async def _count_recent(broker: Broker) -> tuple[dict[State, int], datetime | None, bool]:
    """Return how many of the newest records are final, by state, when the oldest ended, and whether there are more."""
    counts: dict[State, int] = {}
    since: datetime | None = None
    scanned = 0
    async for stored in newest_first(broker.link, broker.names.records, ">"):
        scanned += 1
        if scanned > RECENT:
            return counts, since, True
        try:
            seen = glance(stored.body)
        except msgspec.DecodeError:
            continue  # `tq ls` says how many records can't be read
        if seen.state.final:
            counts[seen.state] = counts.get(seen.state, 0) + 1
            since = seen.finished_at or since
    return counts, since, False


async def _count_timers(broker: Broker) -> int:
    try:
        counts = [await count_messages(broker.link, broker.names.timers, one) for one in broker.names.timers_of("*")]
    except (NoResponders, NotFound):
        return 0
    return sum(counts)


async def _look_at_schedules(broker: Broker) -> Planned:
    try:
        total = await count_messages(broker.link, broker.names.schedules, broker.names.schedule("*"))
    except (NoResponders, NotFound):
        return Planned(total=0)
    if not 0 < total <= SCHEDULES:
        return Planned(total=total)
    schedules = (await list_schedules(broker)).schedules
    views = [describe_schedule(one) for one in schedules]
    following = [(one.next_at, one.name) for one in views if one.next_at is not None]
    next_at, name = min(following, default=(None, None))
    return Planned(
        total=total,
        paused=sum(one.state == "paused" for one in views),
        trouble=sum(one.state == "trouble" for one in views),
        next=name,
        next_at=next_at,
    )
