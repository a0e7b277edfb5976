"""Purging a queue: the end of every job that waits in it, for its time or for a retry. What agents hold goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.client.paging import in_pages
from tqcli.client.query import PAGE
from tqcli.client.queues import require_queue
from tqcli.client.sweep import purge_messages, read_victims, tell_holders, write_ended
from tqcli.client.timed import read_timed
from tqcli.core.state import State
from tqcli.errors import NotFound
from tqcli.jetstream.api import call
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.subjects import LEVELS
from tqcli.jetstream.topology import consumer_info, stream_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.scan import Stored


async def purge_queue(broker: Broker, queue: str, *, progress: Callable[[int], None] | None = None) -> int:
    """Cancel the jobs that wait in a queue and return their number. `progress` is called with the number so far.

    Raises:
        NotFound: there is no such queue.
        Unknown, Unavailable: the broker does not answer; repeating is safe.
    """
    await require_queue(broker, queue)
    count = 0
    # What comes in from now on was not there to be purged.
    last = (await stream_state(broker.link, broker.names.jobs))["last_seq"]
    for level in LEVELS:
        async for cancelled in _purge_level(broker, queue, level, last):
            count += cancelled
            if progress is not None:
                progress(count)
    async for page in read_timed(broker, queue):
        reachable = await read_victims(broker, page)
        victims = [one for one in reachable if one.last.state is not State.RUNNING]
        done = await write_ended(broker, victims, State.CANCELLED, running=False)
        alive = {one.message for one in reachable} - {one.message for one in done}
        await purge_messages(broker, broker.names.timers, [one.subject for one in page if one not in alive])
        count += len(done)
        if progress is not None:
            progress(count)
    return count


async def _purge_level(broker: Broker, queue: str, level: str, last: int) -> AsyncIterator[int]:
    """Cancel page by page; yield the number of jobs in each."""
    link, names = broker.link, broker.names
    subject = names.jobs_of(queue, level)
    delivered, held = await _read_position(broker, names.queue_consumer(queue, level))
    waiting = oldest_first(link, names.jobs, subject, start=delivered + 1, page=PAGE)
    async for page in in_pages(_until(waiting, last), PAGE):
        reachable = await read_victims(broker, page)
        victims = [one for one in reachable if one.last.state is not State.RUNNING]
        done = await write_ended(broker, victims, State.CANCELLED, running=False)
        held = held or len(done) < len(reachable)
        if held:
            # A purge of all up to here would take the messages of running jobs, which are their leases.
            await purge_messages(broker, names.jobs, [one.message.subject for one in done if one.message])
        else:
            await call(link, f"STREAM.PURGE.{names.jobs}", {"filter": subject, "seq": page[-1].sequence + 1})
        await tell_holders(broker, done)
        yield len(done)


async def _read_position(broker: Broker, consumer: str) -> tuple[int, bool]:
    """Return the sequence up to which jobs were handed to agents, and whether any of them are in their hands."""
    try:
        info = await consumer_info(broker.link, broker.names.jobs, consumer)
    except NotFound:
        return 0, False
    return info["delivered"]["stream_seq"], info["num_ack_pending"] > 0


async def _until(messages: AsyncIterator[Stored], last: int) -> AsyncIterator[Stored]:
    async for message in messages:
        if message.sequence > last:
            return
        yield message
