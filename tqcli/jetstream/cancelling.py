"""Ending one job that did not end by itself: its record first, then its message and timer go, then its agent is told.

From the record on, which is written by compare-and-set, nobody else's outcome counts. What follows may be repeated, and
completes what broke off in the middle.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tqcli.core.codec import decode_spec, encode
from tqcli.core.ids import JobId
from tqcli.core.record import Record, become, end_attempt, queued
from tqcli.core.state import State
from tqcli.errors import Conflict
from tqcli.jetstream.api import WrongSequence, call
from tqcli.jetstream.control import tell
from tqcli.jetstream.lookup import find_first
from tqcli.jetstream.records import Write, load_record, write_alone
from tqcli.jetstream.timers import find_timer, remove_timers, timers_may_stay

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

_TRIES = 20
_LOOKS = 3
_PAUSE_S = 0.05


class Last(NamedTuple):
    """A job's record as it was found: final, or what it was right before it was `cancelled`."""

    record: Record
    cancelled: bool


async def cancel_job(broker: Broker, job: JobId) -> Last | None:
    """Cancel a job, wherever it is, and return what it was; None where it has neither a record nor a message.

    Raises:
        Conflict: it changes faster than it can be cancelled.
        Forbidden, Unknown, Unavailable: we may not; the broker does not answer. Repeating is safe.
    """
    group, index = job.group, job.index or 0
    for _ in range(_TRIES):
        found = await _load_last(broker, job)
        if found is None:
            return None
        last, expected = found
        if last.state.final:
            if last.state is State.CANCELLED:
                await _finish(broker, job, last)
            return Last(last, cancelled=False)
        try:
            await write_alone(broker, Write(group, index, make_ended(last, State.CANCELLED), expected))
        except WrongSequence:
            continue
        await _finish(broker, job, last)
        return Last(last, cancelled=True)
    msg = f"job {job} changes faster than it can be cancelled"
    raise Conflict(msg, hint="try again")


def make_ended(last: Record, state: State) -> bytes:
    """Return the record that follows `last` when its job is ended now by a user's wish or the clock, in that state.

    Raises:
        Conflict: the job has ended.
    """
    now = datetime.now(UTC)
    if last.state is State.RUNNING and last.attempts:
        last = end_attempt(last, finished_at=now, ended=str(state))
    return encode(become(last, state, finished_at=now, retry_at=None))


async def _load_last(broker: Broker, job: JobId) -> tuple[Record, int] | None:
    """Return the job's record and the sequence that the next one must expect, or None where nothing of it is there.

    It may move while it is looked for, from a timer into its queue or to its end, so nothing is found only in the end.
    """
    names, group, index = broker.names, job.group, job.index or 0
    for look in range(_LOOKS):
        if look:
            await broker.link.sleep(_PAUSE_S)
        if (snapshot := await load_record(broker, group, index)) is not None:
            return snapshot.record, snapshot.sequence
        message = await find_first(broker.link, names.jobs, names.job_anywhere(job))
        if message is not None or (message := await find_timer(broker, JobId(group, index))) is not None:
            return queued(message.body), 0
    return None


async def _finish(broker: Broker, job: JobId, last: Record) -> None:
    """Do what follows the record `cancelled`; doing it again does no harm."""
    names, group, index = broker.names, job.group, job.index or 0
    await call(broker.link, f"STREAM.PURGE.{names.jobs}", {"filter": names.job_anywhere(job)})
    await tell(broker.link, [names.cancel(group, index)])
    with timers_may_stay(f"job {job} is cancelled", decode_spec(bytes(last.spec)).not_before):
        await remove_timers(broker, group, index)
