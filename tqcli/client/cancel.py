"""Cancelling: the end of a job, wherever it is.

The record `cancelled` is written first, by compare-and-set: from then on nobody else's outcome counts. Then the job's
message and its timer go, so that no agent gets it any more; the agents are told, and the one that runs it stops it.
Repeating a cancel that broke off in the middle completes it. Of one job all that is `jetstream.cancelling`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tqcli.client.late import find_settled
from tqcli.client.query import PAGE, find
from tqcli.client.sweep import (
    Victim,
    read_victims,
    tell_holders,
    write_ended,
)
from tqcli.core.codec import decode_record, decode_spec
from tqcli.core.ending import describe_end
from tqcli.core.expiry import as_of
from tqcli.core.glance import glance
from tqcli.core.ids import JobId
from tqcli.core.job import describe
from tqcli.core.state import State
from tqcli.errors import Conflict
from tqcli.jetstream.api import call
from tqcli.jetstream.cancelling import cancel_job
from tqcli.jetstream.control import tell
from tqcli.jetstream.scan import read_page
from tqcli.jetstream.subjects import split_tail
from tqcli.jetstream.timers import timers_may_stay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.scan import Stored


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """What a cancel did: `count` jobs ended by it, `ended` jobs of the group that had ended before.

    Of a single job, `was` is the state it was in, and `agent` the agent that ran it.
    """

    id: str
    count: int = 1
    ended: int = 0
    was: State | None = None
    agent: str | None = None


async def cancel(broker: Broker, job: JobId) -> Cancelled:
    """Cancel a job, or all jobs of a group that have not ended.

    Raises:
        NotFound: there never was such a job or group, or it is forgotten.
        Conflict: it has ended; the message says how.
        Unknown, Unavailable: the broker does not answer; repeating is safe.
    """
    found = await find_settled(broker, job)
    if job.index is None and found.spec.size is not None:
        return await _cancel_group(broker, found.spec)
    return await _cancel_one(broker, found.spec.id)


async def _cancel_one(broker: Broker, job: JobId) -> Cancelled:
    while (found := await cancel_job(broker, job)) is None:
        await find(broker, job)  # the leaders know better, or raise
    last = found.record
    if not found.cancelled:
        msg = f"job {job} has ended: {describe_end(last)}"
        raise Conflict(msg, hint=f"`tq retry {job}` runs it again")
    agent = last.agent if last.state is State.RUNNING else None
    was = as_of(describe(decode_spec(bytes(last.spec)), last), datetime.now(UTC)).state
    return Cancelled(id=str(job), was=was, agent=agent)


async def _cancel_group(broker: Broker, spec: Spec) -> Cancelled:
    """Cancel page by page and in the order of the queue, ahead of the agents that take from it.

    Jobs may come in while we are at it: what is removed is only what was seen, and has its record.
    """
    group = spec.group
    count = await _cancel_queued(broker, group)
    unqueued, final = await _cancel_recorded(broker, group)
    count += unqueued
    ended = max(0, final - count)
    count += await _cancel_scheduled(broker, spec)
    # Those that came back into the queue meanwhile.
    count += await _cancel_queued(broker, group)
    if not count:
        msg = f"all {ended:,} jobs of group {group} have ended"
        raise Conflict(msg, hint=f"`tq status {group}` shows how, `tq retry {group}` runs them again")
    return Cancelled(id=group, count=count, ended=ended)


async def _cancel_queued(broker: Broker, group: str) -> int:
    """Cancel the group's jobs that have a message, and remove all messages of its ended jobs; return how many."""
    names, count = broker.names, 0
    whole = names.job_anywhere(JobId(group), element=False)
    async for page in _read_pages(broker, names.jobs, whole):
        done = await write_ended(broker, await read_victims(broker, page), State.CANCELLED, running=True)
        # All up to here have ended, one way or another.
        body = {"filter": whole, "seq": page[-1].sequence + 1}
        await call(broker.link, f"STREAM.PURGE.{names.jobs}", body)
        await tell_holders(broker, done)
        count += len(done)
    return count


async def _cancel_scheduled(broker: Broker, spec: Spec) -> int:
    """Cancel the group's jobs that wait for their time at the broker, and remove all timers seen; return how many."""
    names, count = broker.names, 0
    for subject in names.timers_of(spec.group):
        async for page in _read_pages(broker, names.timers, subject):
            done = await write_ended(broker, await read_victims(broker, page), State.CANCELLED, running=True)
            await tell(broker.link, [names.cancel(one.group, one.index) for one in done if one.last.attempt])
            count += len(done)
            # All up to here have ended, one way or another.
            with timers_may_stay(f"group {spec.group} is cancelled", spec.not_before):
                body = {"filter": subject, "seq": page[-1].sequence + 1}
                await call(broker.link, f"STREAM.PURGE.{names.timers}", body)
    return count


async def _cancel_recorded(broker: Broker, group: str) -> tuple[int, int]:
    """Cancel the group's jobs that have a record only, as they wait for a retry at the broker.

    Return how many, and how many jobs are final now: the record of each was read once when it was.
    """
    names, count, final = broker.names, 0, 0
    async for page in _read_pages(broker, names.records, names.records_of(group)):
        alive, again = [], []
        for stored in page:
            index, seen = split_tail(stored.subject)[1], glance(stored.body)
            if not seen.state.final:
                alive.append(Victim(group, index, decode_record(stored.body), stored.sequence))
                continue
            final += 1
            if seen.state is State.CANCELLED and seen.agent is not None:
                # A cancel that broke off may not have told the agent.
                again.append(names.cancel(group, index))
        done = await write_ended(broker, alive, State.CANCELLED, running=True)
        await tell_holders(broker, done)
        await tell(broker.link, again)
        count += len(done)
    return count, final


async def _read_pages(broker: Broker, stream: str, wildcard: str) -> AsyncIterator[list[Stored]]:
    """Yield what matches by the page, what is written while a page is worked on included."""
    start = 1
    while page := await read_page(broker.link, stream, wildcard, start, PAGE):
        yield page
        start = page[-1].sequence + 1
