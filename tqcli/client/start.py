"""Starting jobs now that wait: for their time, or for a retry.

The job's message is put into its queue once more, without the time that it was to wait for; then the one that waited
goes. A crash in between leaves both, and they are one job: whoever gets the second one finds the record of the first.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tqcli.client.late import find_settled
from tqcli.client.query import PAGE, find
from tqcli.core.codec import decode_record, decode_spec, encode, encode_spec
from tqcli.core.ending import describe_end
from tqcli.core.expiry import is_early
from tqcli.core.ids import JobId
from tqcli.core.record import Record, become, queued
from tqcli.core.state import State
from tqcli.errors import Conflict
from tqcli.jetstream.api import WrongSequence, call
from tqcli.jetstream.enqueue import Item, enqueue, enqueue_many
from tqcli.jetstream.lookup import find_first, load_many
from tqcli.jetstream.records import Write, load_record, write_alone
from tqcli.jetstream.scan import read_page
from tqcli.jetstream.subjects import split_tail
from tqcli.jetstream.timers import find_timer, timers_may_stay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.scan import Stored

_TRIES = 20
_PAUSE_S = 0.05


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """What a start did: `count` jobs go now. Of a single job, `was` is the state it was in."""

    id: str
    count: int = 1
    was: State | None = None


class _Waiting(NamedTuple):
    """A job that waits: its message, and the record that it has, or would have."""

    message: Stored
    last: Record
    expected: int


async def start(broker: Broker, job: JobId) -> Started:
    """Let a job go now that waits for its time or its retry; of a group, all that do.

    Raises:
        NotFound: there never was such a job or group, or it is forgotten.
        Conflict: it does not wait; the message says what it does.
        Unknown, Unavailable: the broker does not answer; repeating is safe.
    """
    found = await find_settled(broker, job)
    if job.index is None and found.spec.size is not None:
        return await _start_group(broker, found.spec)
    return await _start_one(broker, found.spec)


async def _start_one(broker: Broker, spec: Spec) -> Started:
    names, job = broker.names, JobId(spec.group, spec.index)
    for _ in range(_TRIES):
        snapshot = await load_record(broker, spec.group, spec.index)
        last, expected = (queued(b"{}"), 0) if snapshot is None else (snapshot.record, snapshot.sequence)
        # In the order in which it moves.
        message = await find_first(broker.link, names.jobs, names.job_anywhere(job))
        timer = await find_timer(broker, job)
        if last.state is not State.RETRYING:
            _refuse_busy(spec.id, last, message)
        waiting = timer or message
        if waiting is None:
            # It is just moving, or has ended, or is gone; then this says so.
            await find(broker, spec.id)
            await broker.link.sleep(_PAUSE_S)
            continue
        was = State.RETRYING if last.state is State.RETRYING else State.SCHEDULED
        try:
            await _release(broker, _Waiting(waiting, last, expected))
        except WrongSequence:
            continue
        spec_now = decode_spec(waiting.body)
        await enqueue(broker, _item(broker, spec_now, f"started-{last.attempt}"), recheck=True)
        await _remove(broker, spec_now, [one for one in (message, timer) if one is not None])
        return Started(id=str(spec.id), was=was)
    msg = f"job {spec.id} changes faster than it can be started"
    raise Conflict(msg, hint="try again")


def _refuse_busy(job: JobId, last: Record, message: Stored | None) -> None:
    """Return where the job may wait for its time.

    Raises:
        Conflict: it has ended, runs, or is in its queue.
    """
    if last.state.final:
        msg = f"job {job} has ended: {describe_end(last)}"
        raise Conflict(msg, hint=f"`tq retry {job}` runs it again")
    if last.state is State.RUNNING:
        msg = f"job {job} is running already, on {last.agent}"
        raise Conflict(msg, hint=f"`tq logs -f {job}` shows what it prints")
    if message is not None and not _is_early(message):
        msg = f"job {job} is queued already: it starts as soon as an agent has a free slot"
        raise Conflict(msg, hint="`tq agents` shows what they run")


async def _start_group(broker: Broker, spec: Spec) -> Started:
    names, count, call_id = broker.names, 0, os.urandom(4).hex()
    whole = (names.jobs, names.job_anywhere(JobId(spec.group), element=False))
    places = whole, *((names.timers, subject) for subject in names.timers_of(spec.group))
    for number, (stream, wildcard) in enumerate(places):
        start = 1
        while page := await read_page(broker.link, stream, wildcard, start, PAGE):
            start = page[-1].sequence + 1
            waiting = await _choose(broker, page, timed=stream == names.timers)
            for one in waiting:
                try:
                    await _release(broker, one)
                except WrongSequence:
                    continue  # whoever wrote it goes on with the job, and a second message does no harm
            specs = [decode_spec(one.message.body) for one in waiting]
            items = [_item(broker, one, f"started-{call_id}{number}") for one in specs]
            await enqueue_many(broker, items, recheck=True)
            await _remove(broker, spec, [one.message for one in waiting])
            count += len(waiting)
    if not count:
        msg = f"no job of group {spec.group} waits for its time or a retry"
        raise Conflict(msg, hint=f"`tq status {spec.group}` shows what they do")
    return Started(id=spec.group, count=count)


async def _choose(broker: Broker, page: Sequence[Stored], *, timed: bool) -> list[_Waiting]:
    """Return the jobs of these messages that wait; `timed`: the messages are timers."""
    subjects = [broker.names.record(*split_tail(message.subject)) for message in page]
    records = await load_many(broker.link, broker.names.records, subjects)
    found = []
    for message, subject in zip(page, subjects, strict=True):
        stored = records.get(subject)
        last, expected = (queued(b"{}"), 0) if stored is None else (decode_record(stored.body), stored.sequence)
        if not last.state.final and last.state is not State.RUNNING and (timed or _is_early(message)):
            found.append(_Waiting(message, last, expected))
    return found


async def _release(broker: Broker, job: _Waiting) -> None:
    """Write down that the job waits no more, where anything is written down of it.

    Raises:
        WrongSequence: somebody else wrote its record.
    """
    if not job.expected:
        return
    last = job.last
    if last.state is State.RETRYING:
        last = become(last, State.QUEUED, retry_at=None)
    else:  # a key's reservation
        last = msgspec.structs.replace(
            last, spec=msgspec.Raw(encode_spec(_without_time(decode_spec(bytes(last.spec)))))
        )
    await write_alone(broker, Write(*split_tail(job.message.subject), encode(last), job.expected))


async def _remove(broker: Broker, spec: Spec, messages: Sequence[Stored]) -> None:
    """Remove the messages that waited, and none that came after them."""
    names = broker.names
    with timers_may_stay(f"job {spec.id} is started", spec.not_before):
        for message in messages:
            is_timer = message.subject in names.timers_of(*split_tail(message.subject))
            stream = names.timers if is_timer else names.jobs
            body = {"filter": message.subject, "seq": message.sequence + 1}
            await call(broker.link, f"STREAM.PURGE.{stream}", body)


def _item(broker: Broker, spec: Spec, mark: str) -> Item:
    subject = broker.names.job(spec.queue, spec.priority, spec.group, spec.index)
    return Item(subject, f"{spec.group}.{spec.index}-{mark}", encode_spec(_without_time(spec)))


def _without_time(spec: Spec) -> Spec:
    return msgspec.structs.replace(spec, not_before=None)


def _is_early(message: Stored) -> bool:
    return is_early(State.QUEUED, 0, decode_spec(message.body).not_before, datetime.now(UTC))
