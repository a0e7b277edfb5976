"""Schedules: what a user does to them. What becomes of their planned times is decided by agents (`agent.schedules`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tqcli.client.backfill import plan_backfill, submit_missing
from tqcli.client.origin import load_origin
from tqcli.client.queues import require_queue
from tqcli.core.codec import decode_record
from tqcli.core.ids import RANDOM_BITS, JobId, make_group_id
from tqcli.core.names import check_name, quote
from tqcli.core.nearest import nearest
from tqcli.core.schedules.planning import add_entries, define, pause, resume, settle
from tqcli.core.schedules.schedule import Backfilled, Run, Schedule, check_definition, make_spec
from tqcli.core.state import State
from tqcli.errors import Conflict, Forbidden, NotFound
from tqcli.jetstream.api import WrongSequence
from tqcli.jetstream.clock import load_now
from tqcli.jetstream.lookup import load_many
from tqcli.jetstream.schedules import (
    Snapshot,
    UnreadableSchedule,
    purge_schedule,
    read_schedules,
    submit_run,
    sync_timer,
    write_schedule,
)
from tqcli.jetstream.schedules import load_schedule as load_snapshot
from tqcli.jetstream.topology import ensure_streams

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tqcli.core.schedules.schedule import Definition, Entry
    from tqcli.jetstream.broker import Broker

_TRIES = 20
_LISTED = 8


class Listed(NamedTuple):
    """All schedules by name; and, in the place of those that can't be read, what is wrong with them."""

    schedules: list[Schedule]
    unreadable: list[UnreadableSchedule]


class Backfill(NamedTuple):
    """What a backfill did: `submitted` jobs are new, `existed` were there already."""

    submitted: int
    existed: int


async def add_schedule(broker: Broker, definition: Definition, *, replace: bool, paused: bool = False) -> Schedule:
    """Define a schedule, or with `replace` define it anew; return it. An unchanged definition is no new revision.

    `paused` is for a new one; one that is there keeps its pause. An interval counts from its definition.

    Raises:
        InvalidInput: the definition makes no sense; or there is no such queue (NotFound).
        Conflict: there is a schedule of that name, and `replace` is False.
        Forbidden: this user may not write schedules, or not set timers.
        Unknown, Unavailable: the broker does not answer; repeating with `replace` is safe.
    """
    check_definition(definition)
    await require_queue(broker, definition.template.queue, addable=True)
    with _Rights():
        await ensure_streams(broker.link, broker.names)
        by = load_origin().submitted_by
        for _ in range(_TRIES):
            found = await _load_any(broker, definition.name)
            if found is not None and not replace:
                msg = f"there is a schedule {definition.name!r}"
                raise Conflict(msg, hint="--replace changes it; `tq schedule show` tells what it is")
            last = found if isinstance(found, Snapshot) else None
            now = await load_now(broker.link, broker.names.schedules)
            schedule = define(definition, now=now, by=by, last=last and last.schedule)
            if paused and last is None:
                schedule = pause(schedule, now=now, note=None)
            if last is None or schedule != last.schedule:
                try:
                    await write_schedule(broker, schedule, expected=0 if found is None else found.sequence)
                except WrongSequence:
                    continue
            await sync_timer(broker, schedule)
            return schedule
    raise _too_fast(definition.name)


async def list_schedules(broker: Broker) -> Listed:
    """Return all schedules."""
    schedules, unreadable = list[Schedule](), list[UnreadableSchedule]()
    async for found in read_schedules(broker):
        if isinstance(found, UnreadableSchedule):
            unreadable.append(found)
        else:
            schedules.append(found.schedule)
    return Listed(sorted(schedules, key=lambda one: one.name), unreadable)


async def load_schedule(broker: Broker, name: str) -> Schedule:
    """Return the schedule of that name.

    Raises:
        NotFound: there is none; the hint names the near one, or those that are there.
        InvalidInput: the name can't be one.
        CorruptRecord: it can't be read.
    """
    return (await _require(broker, name)).schedule


async def remove_schedule(broker: Broker, name: str) -> None:
    """Remove a schedule: nothing more is started, what runs goes on.

    Raises:
        NotFound: there is none.
        Forbidden: this user may not remove it.
    """
    check_name(name, noun="schedule")
    if await _load_any(broker, name) is None:
        raise await _not_found(broker, name)
    with _Rights():
        await purge_schedule(broker, name)


async def pause_schedule(broker: Broker, name: str, *, note: str | None = None) -> Schedule:
    """Start no more runs, until `resume_schedule`; what runs goes on. A paused one gets the new note.

    Raises:
        NotFound, Forbidden: there is none; this user may not change it.
    """
    return await _change(broker, name, lambda last, now: pause(last, now=now, note=note))


async def resume_schedule(broker: Broker, name: str) -> Schedule:
    """Go on from now: what was planned meanwhile is skipped, and the history says so.

    Raises:
        NotFound, Forbidden: there is none; this user may not change it.
    """
    return await _change(broker, name, resume)


async def run_schedule(broker: Broker, name: str) -> JobId:
    """Submit a run now, whatever the overlap rule says, also of a paused schedule; return its job's id.

    Raises:
        NotFound: there is none, or its queue is gone.
        Forbidden: this user may not write schedules, or not submit.
        Unknown, Unavailable, QueueFull: the job may be submitted by the next agent that looks; or it is not.
    """
    schedule = await load_schedule(broker, name)
    await require_queue(broker, schedule.definition.template.queue, addable=True)
    draw = int.from_bytes(os.urandom(RANDOM_BITS // 8))

    def begin(last: Schedule, now: datetime) -> Schedule:
        now = now.replace(microsecond=0)
        run = Run(planned=now, job=make_group_id(now, draw), kind="manual")
        return msgspec.structs.replace(last, starting=(*last.starting, run))

    schedule = await _change(broker, name, begin)
    run = schedule.starting[-1]
    with _Rights():
        await submit_run(broker, schedule, run, now=await load_now(broker.link, broker.names.schedules))
    await _change(broker, name, lambda last, _: settle(last, [run]) if run in last.starting else last)
    return JobId(run.job)


async def backfill(
    broker: Broker,
    name: str,
    start: datetime,
    end: datetime,
    *,
    progress: Callable[[int], None] | None = None,
) -> Backfill:
    """Submit the jobs of all planned times from `start` to `end`, both included, at once: their queue limits them.

    Each has the id that it would have had in time, so what ran by this revision of the schedule does not run again as
    long as its record is kept. `progress` is called with the number of jobs that are dealt with.

    Raises:
        InvalidInput: there are more than 10,000, or `end` is yet to come.
        NotFound, Forbidden, Unknown, Unavailable, QueueFull: as `run_schedule`; repeating is safe.
    """
    schedule = await load_schedule(broker, name)
    await require_queue(broker, schedule.definition.template.queue, addable=True)
    now = await load_now(broker.link, broker.names.schedules)
    runs = plan_backfill(schedule, start, end, now)
    submitted = await submit_missing(broker, [make_spec(schedule, run, now=now) for run in runs], progress=progress)
    if runs:
        entry = Backfilled(
            first=runs[0].planned, last=runs[-1].planned, submitted=submitted, existed=len(runs) - submitted, at=now
        )
        await _change(broker, name, lambda last, _: add_entries(last, [entry]))
    return Backfill(submitted, len(runs) - submitted)


async def read_runs(broker: Broker, schedule: Schedule) -> list[Entry]:
    """Return the schedule's history, newest last, with what the records say now: also of runs that have not ended."""
    subjects = {one.job: _record(broker, one) for one in schedule.open_runs}
    if not subjects:
        return list(schedule.history)
    stored = await load_many(broker.link, broker.names.records, list(subjects.values()))
    return [
        _look_up(one, found.body if (found := stored.get(subjects[one.job])) else None)
        if isinstance(one, Run) and one.job in subjects
        else one
        for one in schedule.history
    ]


def _look_up(run: Run, body: bytes | None) -> Run:
    if body is None:
        return msgspec.structs.replace(run, state=State.QUEUED)
    record = decode_record(body)
    return msgspec.structs.replace(
        run,
        state=record.state,
        reason=record.reason,
        started_at=record.started_at,
        finished_at=record.finished_at,
    )


def _record(broker: Broker, run: Run) -> str:
    return broker.names.record(run.job, 0)


async def _change(broker: Broker, name: str, change: Callable[[Schedule, datetime], Schedule]) -> Schedule:
    """Write what `change` makes of the schedule at the broker's time; set its timer. Return what is stored now."""
    with _Rights():
        for _ in range(_TRIES):
            last, sequence = await _require(broker, name)
            schedule = change(last, await load_now(broker.link, broker.names.schedules))
            if schedule != last:
                try:
                    await write_schedule(broker, schedule, expected=sequence)
                except WrongSequence:
                    continue
            await sync_timer(broker, schedule)
            return schedule
    raise _too_fast(name)


async def _require(broker: Broker, name: str) -> Snapshot:
    check_name(name, noun="schedule")
    found = await load_snapshot(broker, name)
    if found is None:
        raise await _not_found(broker, name)
    return found


async def _load_any(broker: Broker, name: str) -> Snapshot | UnreadableSchedule | None:
    try:
        return await load_snapshot(broker, name)
    except UnreadableSchedule as error:
        return error


async def _not_found(broker: Broker, name: str) -> NotFound:
    listed = await list_schedules(broker)
    known = sorted([*(one.name for one in listed.schedules), *(one.name for one in listed.unreadable)])
    if near := nearest(name, known):
        hint = f"did you mean {near!r}?"
    elif not known:
        hint = "there is none yet: tq schedule add"
    elif len(known) > _LISTED:
        hint = f"`tq schedule ls` lists the {len(known):,} that are there"
    else:
        hint = f"there {'is only' if len(known) == 1 else 'are'} {', '.join(known)}"
    return NotFound(f"no schedule {quote(name)}", hint=hint)


def _too_fast(name: str) -> Conflict:
    return Conflict(f"the schedule {name!r} changes faster than it can be changed", hint="try again")


class _Rights:
    """Says what rights schedules need, where the broker refuses something."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Say it."""
        if isinstance(error, Forbidden):
            raise Forbidden(error.message, hint=_RIGHTS) from error


_RIGHTS = (
    "schedules are for operators: they publish to `tq.schedule.>`, `tq.timer.schedule.>` and `tq.job.>`, and purge in "
    "TQ_SCHEDULES and TQ_TIMERS"
)
