"""Ending jobs that are too late to start.

An agent that gets one writes `expired`. Where none does, because none serves the queue or all of them are busy, whoever
waits for the job writes the same, in the order of a cancel: first the record, by compare-and-set, then the job's
message and its timer go, so that it never runs later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.client.paging import in_pages
from tqcli.client.query import PAGE
from tqcli.client.sweep import (
    Victim,
    purge_messages,
    purge_timers,
    read_victims,
    tell_holders,
    write_ended,
)
from tqcli.core.codec import decode_record
from tqcli.core.expiry import WAITING
from tqcli.core.state import State
from tqcli.errors import Conflict, Forbidden
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.subjects import split_tail

if TYPE_CHECKING:
    from tqcli.core.ids import JobId
    from tqcli.jetstream.broker import Broker


async def end_late(broker: Broker, job: JobId) -> bool:
    """Expire a job, or all jobs of a group, as far as they wait: they are too late. Return False where we may not."""
    names, link = broker.names, broker.link
    whole = job.index is None
    jobs = names.job_anywhere(job, element=not whole)
    records = names.records_of(job.group) if job.index is None else names.record(job.group, job.index)
    try:
        async for page in in_pages(oldest_first(link, names.jobs, jobs, page=PAGE), PAGE):
            done = await _expire(broker, await read_victims(broker, page))
            await purge_messages(broker, names.jobs, [one.message.subject for one in done if one.message])
            await tell_holders(broker, done)
        for subject in names.timers_of(job.group, "*" if whole else job.index or 0):
            async for page in in_pages(oldest_first(link, names.timers, subject, page=PAGE), PAGE):
                done = await _expire(broker, await read_victims(broker, page))
                await purge_timers(broker, [(one.group, one.index) for one in done])
        # What is left has no message where we looked: it moves, or an agent is about to set its timer.
        left = [
            Victim(job.group, split_tail(stored.subject)[1], decode_record(stored.body), stored.sequence)
            async for stored in oldest_first(link, names.records, records, page=PAGE)
        ]
        done = await _expire(broker, left)
        await purge_timers(broker, [(one.group, one.index) for one in done])
    except Forbidden:
        return False
    except Conflict:  # they change faster than they can be expired: whoever waits looks again
        return True
    return True


async def _expire(broker: Broker, victims: list[Victim]) -> list[Victim]:
    """Write the record `expired` of those that wait; return them."""
    waiting = [one for one in victims if one.last.state in WAITING]
    return await write_ended(broker, waiting, State.EXPIRED, running=False)
