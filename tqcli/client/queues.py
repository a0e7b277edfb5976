"""Queues: what waits in them, and what an operator does to them.

A queue is its three consumers, one for each priority; its limit is a set of tickets (see `jetstream.limits`). The queue
`default` is there before anybody makes it: its first agent makes its consumers.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tqcli.client.timed import count_timed
from tqcli.core.names import check_name, quote
from tqcli.core.nearest import nearest
from tqcli.core.plural import count
from tqcli.core.spec import DEFAULT_QUEUE
from tqcli.errors import Conflict, InvalidInput, NotFound
from tqcli.jetstream.api import call
from tqcli.jetstream.limits import MAX_LIMIT, load_limit, remove_limit, set_limit
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.lookup import count_messages, read_consumers, read_queues
from tqcli.jetstream.presence import read_agents
from tqcli.jetstream.subjects import LEVELS
from tqcli.jetstream.topology import consumer_info, ensure_queue, ensure_streams

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

_LISTED = 8
"""Queues that a hint names; of more, their number."""

_MOMENT = timedelta(milliseconds=30)
_FOR_EVER = datetime(2200, 1, 1, tzinfo=UTC)


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue: `queued` jobs wait, `running` ones have a slot; `limit` None is none."""

    name: str
    queued: int
    running: int
    limit: int | None
    paused: bool
    paused_until: datetime | None
    agents: int
    slots: int


async def list_queues(broker: Broker) -> list[Queue]:
    """Return the queues by name; `default` too where jobs wait in it before its first agent came."""
    levels = await read_queues(broker.link, broker.names)
    limited = {info["name"] async for info in read_consumers(broker.link, broker.names.limits)}
    agents = await read_agents(broker)
    queues = []
    for name, infos in sorted(levels.items()):
        serving = [agent for agent in agents if name in agent.queues]
        until = _paused_until(infos)
        # A delivered job may also be held ready by an agent, have come back from one, or lie with a dead one.
        delivered = sum(info["num_ack_pending"] for info in infos)
        running = min(delivered, sum(agent.busy for agent in serving))
        queues.append(
            Queue(
                name=name,
                queued=sum(info["num_pending"] for info in infos) + delivered - running,
                running=running,
                limit=await load_limit(broker, name) if name in limited else None,
                paused=until is not None,
                paused_until=None if until == _FOR_EVER else until,
                agents=len(serving),
                slots=sum(agent.slots for agent in serving),
            )
        )
    if DEFAULT_QUEUE not in levels and (waiting := await _count_default(broker)):
        queues.append(_unserved(waiting))
    return queues


def _unserved(queued: int) -> Queue:
    return Queue(
        name=DEFAULT_QUEUE, queued=queued, running=0, limit=None, paused=False, paused_until=None, agents=0, slots=0
    )


async def add_queue(broker: Broker, queue: str) -> bool:
    """Make a queue; return whether it is new.

    Raises:
        InvalidInput: the name is none.
        SettingsError: a stream or consumer of its name is there and differs.
    """
    check_name(queue, noun="queue")
    await ensure_streams(broker.link, broker.names)
    known = await read_queues(broker.link, broker.names)
    await ensure_queue(broker.link, broker.names, queue)
    return queue not in known


async def remove_queue(broker: Broker, queue: str) -> None:
    """Remove an empty queue that no agent serves.

    Raises:
        NotFound: there is no such queue.
        Conflict: it has jobs or agents.
        InvalidInput: it is `default`, which stays.
    """
    await require_queue(broker, queue)
    if queue == DEFAULT_QUEUE:
        msg = f"the queue {queue!r} stays"
        raise InvalidInput(msg, hint=f"`tq queue pause {queue}` keeps its jobs from starting")
    found = next((one for one in await list_queues(broker) if one.name == queue), None)
    if found is None:
        msg = f"no queue {queue!r}"
        raise NotFound(msg, hint="somebody else removed it just now")
    if found.agents:
        msg = f"the queue {queue!r} is served by {count(found.agents, 'agent')}"
        raise Conflict(msg, hint="`tq agents` lists them, `tq agents drain NAME` lets one leave")
    if found.queued or found.running:
        msg = f"the queue {queue!r} has {count(found.queued + found.running, 'job')}"
        raise Conflict(msg, hint=f"wait for them, or cancel them: tq queue purge {queue}")
    if timed := await count_timed(broker, queue):
        msg = f"the queue {queue!r} has {count(timed, 'job')} still to come: scheduled, or waiting for a retry"
        raise Conflict(msg, hint=f"wait for them, or cancel them: tq queue purge {queue}")
    names = broker.names
    for level in LEVELS:
        with suppress(NotFound):  # an earlier try broke off after it
            await call(broker.link, f"CONSUMER.DELETE.{names.jobs}.{names.queue_consumer(queue, level)}")
    # A job that came in meanwhile must not wait for ever, unseen.
    if await count_messages(broker.link, names.jobs, names.jobs_of(queue)) or await count_timed(broker, queue):
        await ensure_queue(broker.link, names, queue)
        msg = f"a job came into the queue {queue!r} just now, so it stays"
        raise Conflict(msg, hint="try again when it has ended")
    await remove_limit(broker, queue)


async def pause_queue(broker: Broker, queue: str, *, duration: timedelta | None = None) -> None:
    """Start no more jobs of the queue, for a while or until `resume_queue`; what runs goes on.

    Raises:
        NotFound: there is no such queue.
    """
    until = _FOR_EVER if duration is None else datetime.now(UTC) + duration
    await _pause(broker, queue, until)


async def resume_queue(broker: Broker, queue: str) -> None:
    """Start jobs of the queue again.

    Raises:
        NotFound: there is no such queue.
    """
    # Ending a pause wakes no request that waits at the server, so agents would sleep on for up to 15 s; a pause that
    # runs out does (nats-server 2.15.1). So it runs out in a moment, by the server's own clock.
    await require_queue(broker, queue)
    for level in LEVELS:
        info = await consumer_info(broker.link, broker.names.jobs, broker.names.queue_consumer(queue, level))
        if info.get("paused"):
            await _pause_level(broker, queue, level, datetime.fromisoformat(info["ts"]) + _MOMENT)
    await broker.link.sleep(2 * _MOMENT.total_seconds())
    await _pause(broker, queue, None)


async def limit_queue(broker: Broker, queue: str, limit: int | None) -> None:
    """Let at most `limit` jobs of the queue run at once, over all agents; None ends the limit.

    Raises:
        NotFound: there is no such queue.
        InvalidInput: the limit is out of range.
    """
    if limit is not None and not 1 <= limit <= MAX_LIMIT:
        msg = f"a queue can't have the limit {limit:,}"
        raise InvalidInput(msg, hint=f"from 1 to {MAX_LIMIT:,}, or none; `tq queue pause {quote(queue)}` stops it")
    await require_queue(broker, queue)
    if limit is None:
        await remove_limit(broker, queue)
    else:
        await set_limit(broker, queue, limit)


async def require_queue(broker: Broker, queue: str, *, addable: bool = False) -> None:
    """Return where there is such a queue; `addable` where a new one of that name would do as well.

    Raises:
        NotFound: there is none; the hint names the near one, or those that are there.
        InvalidInput: the name can't be one.
    """
    check_name(queue, noun="queue")
    known = await read_queues(broker.link, broker.names)
    if queue in known:
        return
    if queue == DEFAULT_QUEUE:
        # Everybody may rely on it, so whoever needs it first makes it.
        await add_queue(broker, queue)
        return
    hint = _suggest(queue, sorted({*known, DEFAULT_QUEUE}))
    msg = f"no queue {queue!r}"
    raise NotFound(msg, hint=f"{hint} `tq queue add {queue}` makes a new one" if addable else hint)


def _suggest(queue: str, known: list[str]) -> str:
    if near := nearest(queue, known):
        return f"did you mean {near!r}?"
    if len(known) > _LISTED:
        return f"`tq queue ls` lists the {len(known):,} that are there."
    return f"there is only {known[0]!r}." if len(known) == 1 else f"there are {', '.join(known)}."


async def _pause(broker: Broker, queue: str, until: datetime | None) -> None:
    """Pause a queue's consumers until then; None resumes them. Source: ADR-42."""
    await require_queue(broker, queue)
    for level in LEVELS:
        await _pause_level(broker, queue, level, until)


async def _pause_level(broker: Broker, queue: str, level: str, until: datetime | None) -> None:
    body = {} if until is None else {"pause_until": until.isoformat().replace("+00:00", "Z")}
    consumer = broker.names.queue_consumer(queue, level)
    await call(broker.link, f"CONSUMER.PAUSE.{broker.names.jobs}.{consumer}", body)


def _paused_until(infos: list[dict[str, Any]]) -> datetime | None:
    """Return when the last of a queue's levels starts again, None where one is not paused."""
    if not all(info.get("paused") for info in infos):
        return None
    return max(datetime.fromisoformat(info["config"]["pause_until"]) for info in infos)


async def _count_default(broker: Broker) -> int:
    try:
        return await count_messages(broker.link, broker.names.jobs, broker.names.jobs_of(DEFAULT_QUEUE))
    except NoResponders:
        return 0
