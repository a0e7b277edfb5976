"""A queue's limit: how many of its jobs may run at once, over all agents, exactly.

The obvious way, the consumer's `max_ack_pending`, can't be exact here: a queue has one consumer for each priority, so
the limit would be tripled, and one consumer for all would start jobs in the order of arrival. So a limited queue has
*tickets*: N messages in a work-queue stream. An agent holds a ticket's delivery for each job that it runs, renews it
like any lease and gives it back afterwards; an agent that dies gives it back by being silent. The number of tickets is
the limit; a queue without a consumer for tickets has none.

What can exceed a limit is only what runs already. An agent that was frozen, or cut off, for longer than a lease has
lost its tickets: jobs of its own that nobody took over run to their end beside those that the next holders start, but
none starts in their place. In the same way, jobs that run while a limit is set or lowered run to their end.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tqcli.errors import NotFound, QueueFull
from tqcli.jetstream.api import call, check_ack
from tqcli.jetstream.control import tell
from tqcli.jetstream.topology import consumer_config, consumer_info, ensure_consumer

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

MAX_LIMIT = 10_000


async def load_limit(broker: Broker, queue: str) -> int | None:
    """Return a queue's limit, or None where it has none."""
    try:
        await consumer_info(broker.link, broker.names.limits, queue)
    except NotFound:
        return None
    return len(await _tickets(broker, queue))


async def set_limit(broker: Broker, queue: str, limit: int) -> None:
    """Let at most `limit` jobs of the queue run at once (1 to `MAX_LIMIT`).

    Jobs that run are left alone: a lowered limit holds as soon as they have ended, and agents that miss the news learn
    it within 5 s. The tickets above the limit go, whether a job runs on them or not; their holders don't reuse them.
    """
    names = broker.names
    held = await _tickets(broker, queue)
    for number in range(1, limit + 1):
        if number not in held:
            with suppress(QueueFull):  # another hand was faster: the stream keeps one message for each subject
                check_ack(await broker.link.post(names.limit(queue, number)), names.limit(queue, number))
    for number in held:
        if number > limit:
            await call(broker.link, f"STREAM.PURGE.{names.limits}", {"filter": names.limit(queue, number)})
    await ensure_consumer(broker.link, names.limits, consumer_config(queue, names.limit(queue, "*")))
    await tell(broker.link, [names.changed(queue)])


async def remove_limit(broker: Broker, queue: str) -> None:
    """Let as many jobs of the queue run as there are slots."""
    names = broker.names
    try:
        await call(broker.link, f"CONSUMER.DELETE.{names.limits}.{queue}")
    except NotFound:
        return
    await call(broker.link, f"STREAM.PURGE.{names.limits}", {"filter": names.limit(queue, "*")})
    await tell(broker.link, [names.changed(queue)])


async def _tickets(broker: Broker, queue: str) -> set[int]:
    """Return the numbers of the queue's tickets."""
    names = broker.names
    info = await call(broker.link, f"STREAM.INFO.{names.limits}", {"subjects_filter": names.limit(queue, "*")})
    return {int(subject.rpartition(".")[2]) for subject in info["state"].get("subjects") or {}}
