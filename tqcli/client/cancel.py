"""Cancelling: the end of a job, wherever it is.

The record `cancelled` is written first, by compare-and-set: from then on nobody else's outcome counts. Then the job's
message and its timer go, so that no agent gets it any more; then the agents are told, and the one that runs it stops
it. Repeating a cancel that broke off in the middle completes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tqcli.client.late import find_settled
from tqcli.client.paging import in_pages
from tqcli.client.query import PAGE, find
from tqcli.client.sweep import (
    Victim,
    make_ended,
    purge_messages,
    read_victims,
    remove_timers,
    tell_holders,
    write_ended,
)
from tqcli.core.codec import decode_record
from tqcli.core.ending import describe_end
from tqcli.core.ids import JobId
from tqcli.core.record import Record, queued
from tqcli.core.state import State
from tqcli.errors import Conflict
from tqcli.jetstream.api import WrongSequence, call
from tqcli.jetstream.control import tell
from tqcli.jetstream.lookup import find_first
from tqcli.jetstream.records import Write, load_record, write_alone
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.subjects import split_tail

if TYPE_CHECKING:
    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.scan import Stored

_TRIES = 20
_PAUSE_S = 0.05
_IN_TIMERS = frozenset({State.RETRYING, State.SCHEDULED})


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
    group, index = job.group, job.index or 0
    for _ in range(_TRIES):
        if (found := await _load_last(broker, job)) is None:
            continue
        last, expected = found
        if last.state.final:
            if last.state is State.CANCELLED:
                await _remove_job(broker, job)
            msg = f"job {job} has ended: {describe_end(last)}"
            raise Conflict(msg, hint=f"`tq retry {job}` runs it again")
        try:
            await write_alone(broker, Write(group, index, make_ended(last, State.CANCELLED), expected))
        except WrongSequence:
            continue
        await _remove_job(broker, job)
        if last.state in _IN_TIMERS:
            await remove_timers(broker, [(group, index)])
        await tell(broker.link, [broker.names.cancel(group, index)])
        agent = last.agent if last.state is State.RUNNING else None
        return Cancelled(id=str(job), was=last.state, agent=agent)
    msg = f"job {job} changes faster than it can be cancelled"
    raise Conflict(msg, hint="try again")


async def _cancel_group(broker: Broker, spec: Spec) -> Cancelled:
    """Cancel page by page and in the order of the queue, ahead of the agents that take from it."""
    names, group = broker.names, spec.group
    whole = names.job_anywhere(JobId(group), element=False)
    done: list[Victim] = []
    async for page in in_pages(oldest_first(broker.link, names.jobs, whole, page=PAGE), PAGE):
        done += await _cancel_page(broker, whole, page)
    # What is left has no message: it waits for its retry, at the broker.
    left, ended = [], 0
    cancelled = {one.index for one in done}
    async for stored in oldest_first(broker.link, names.records, names.records_of(group), page=PAGE):
        index, record = split_tail(stored.subject)[1], decode_record(stored.body)
        if not record.state.final:
            left.append(Victim(group, index, record, stored.sequence))
        elif index not in cancelled:
            ended += 1
    done += await write_ended(broker, left, State.CANCELLED, running=True)
    if not done:
        msg = f"all {ended:,} jobs of group {group} have ended"
        raise Conflict(msg, hint=f"`tq status {group}` shows how, `tq retry {group}` runs them again")
    await call(broker.link, f"STREAM.PURGE.{names.jobs}", {"filter": whole})
    await remove_timers(broker, [(group, one.index) for one in done if one.last.state in _IN_TIMERS])
    await tell_holders(broker, done)
    return Cancelled(id=group, count=len(done), ended=ended)


async def _cancel_page(broker: Broker, whole: str, page: list[Stored]) -> list[Victim]:
    done = await write_ended(broker, await read_victims(broker, page), State.CANCELLED, running=True)
    # All up to here have ended, one way or another.
    body = {"filter": whole, "seq": page[-1].sequence + 1}
    await call(broker.link, f"STREAM.PURGE.{broker.names.jobs}", body)
    return done


async def _load_last(broker: Broker, job: JobId) -> tuple[Record, int] | None:
    """Return the job's record and the sequence that the next one must expect, or None: look again."""
    snapshot = await load_record(broker, job.group, job.index or 0)
    if snapshot is not None:
        return snapshot.record, snapshot.sequence
    message = await find_first(broker.link, broker.names.jobs, broker.names.job_anywhere(job))
    if message is not None:
        return queued(message.body), 0
    # Either it ended between the two reads, or it is unknown, and then this says so.
    await find(broker, job)
    await broker.link.sleep(_PAUSE_S)
    return None


async def _remove_job(broker: Broker, job: JobId) -> None:
    await purge_messages(broker, broker.names.jobs, [broker.names.job_anywhere(job)])
