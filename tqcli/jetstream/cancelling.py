"""Ending one job in somebody's name: its record first, then its message and timer go, then its agent is told.

From the record `cancelled` on, which is written by compare-and-set, nobody else's outcome counts. What follows may be
repeated, and completes a cancel that broke off in the middle.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tqcli.core.codec import encode
from tqcli.core.record import Record, become, end_attempt, queued
from tqcli.core.state import State
from tqcli.jetstream.api import WrongSequence, call
from tqcli.jetstream.control import tell
from tqcli.jetstream.lookup import find_first
from tqcli.jetstream.records import Write, load_record, write_alone

if TYPE_CHECKING:
    from tqcli.core.ids import JobId
    from tqcli.jetstream.broker import Broker

_TRIES = 20


async def cancel_job(broker: Broker, job: JobId) -> bool:
    """Cancel a job, wherever it is; return whether it has ended so. One that ended otherwise, or is unknown, stays.

    Raises:
        WrongSequence: it changes faster than it can be cancelled.
        Forbidden, Unknown, Unavailable: we may not; the broker does not answer. Repeating is safe.
    """
    for left in reversed(range(_TRIES)):
        found = await _load_last(broker, job)
        if found is None:
            return False
        last, expected = found
        if last.state.final and last.state is not State.CANCELLED:
            return False
        try:
            if not last.state.final:
                await write_alone(broker, Write(job.group, job.index or 0, _end(last), expected))
        except WrongSequence:
            if not left:
                raise
            continue
        await _finish(broker, job)
        return True
    raise AssertionError(_TRIES)


async def _load_last(broker: Broker, job: JobId) -> tuple[Record, int] | None:
    names, index = broker.names, job.index or 0
    if (snapshot := await load_record(broker, job.group, index)) is not None:
        return snapshot.record, snapshot.sequence
    message = await find_first(broker.link, names.jobs, names.job_anywhere(job))
    if message is None:
        # It ended in between, or nobody knows it.
        snapshot = await load_record(broker, job.group, index)
        return None if snapshot is None else (snapshot.record, snapshot.sequence)
    return queued(message.body), 0


async def _finish(broker: Broker, job: JobId) -> None:
    names, index = broker.names, job.index or 0
    await call(broker.link, f"STREAM.PURGE.{names.jobs}", {"filter": names.job_anywhere(job)})
    for subject in (names.timer(job.group, index), names.firing(job.group, index)):
        await call(broker.link, f"STREAM.PURGE.{names.timers}", {"filter": subject})
    await tell(broker.link, [names.cancel(job.group, index)])


def _end(last: Record) -> bytes:
    now = datetime.now(UTC)
    if last.state is State.RUNNING and last.attempts:
        last = end_attempt(last, finished_at=now, ended=str(State.CANCELLED))
    return encode(become(last, State.CANCELLED, finished_at=now, retry_at=None))
