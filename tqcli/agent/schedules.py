"""Schedules: what an agent does when one of them is due, and how it finds those that were left alone.

A *tick* looks at one schedule: on a firing of its timer, when one of its runs ended, or in a sweep. It may be done by
any number of agents at once, and be broken off anywhere::

    load      the snapshot; without one there is nothing to do
    decide    which planned times have come, and what becomes of them (`core.schedules.planning`): all of it is
              written in one compare-and-set, before anything is done, so it is decided once
    do        what starts is submitted, under ids that make it one job however often that is done; with overlap
              `replace` the earlier runs are cancelled before
    set       the timer of the next planned time
    note      what was submitted goes into the history. This write fails where anything of the schedule changed since
              the decision, a timer that was set too late included, and then all begins anew
    settle    the firing, by the caller: whatever broke off before comes back with it

The *sweep* finds what no firing will bring back: a timer that was purged or never set, the end of a run that nobody
told, a run that waits. Every agent wakes for it twice a minute; one of them leaves a mark and does it for all.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tqcli.agent.desk import say
from tqcli.core.codec import decode_record
from tqcli.core.ids import JobId
from tqcli.core.names import check_name
from tqcli.core.record import Record
from tqcli.core.schedules.planning import advance, launch, note_ends, refuse, settle
from tqcli.core.spec import WIRE_VERSION
from tqcli.core.state import Reason, State
from tqcli.errors import CorruptRecord, InvalidInput, NotFound, TqError, Unavailable
from tqcli.jetstream.api import WrongSequence, check_ack
from tqcli.jetstream.cancelling import cancel_job
from tqcli.jetstream.clock import BrokerClock
from tqcli.jetstream.lookup import ask_leader, load_many
from tqcli.jetstream.scan import last_stored
from tqcli.jetstream.schedules import (
    UnreadableSchedule,
    has_queue,
    is_timer_right,
    load_schedule,
    read_schedules,
    read_timers,
    submit_run,
    sync_timer,
    write_schedule,
)
from tqcli.jetstream.subjects import HEADER_EXPECTED
from tqcli.jetstream.timers import ENDED, LEAD, remove_schedule_timer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tqcli.core.schedules.schedule import Run, Schedule
    from tqcli.jetstream.broker import Broker

SWEEP_S = 30.0
SPREAD_S = 5.0
"""Agents that were started together look at different times."""

_TRIES = 50
_UNREADABLE = Record(v=WIRE_VERSION, spec=msgspec.Raw(b"{}"), state=State.FAILED, reason=Reason.REJECTED)
"""What stands for a record that can't be read: whoever gets its job next ends it so, and no run must wait for that."""


class Schedules:
    """The schedules, as one agent sees to them."""

    def __init__(self, broker: Broker) -> None:
        """Nothing happens before `fire` or `run`."""
        self._broker = broker
        self._clock = BrokerClock(broker.link, broker.names.schedules)
        self._said: dict[str, str] = {}

    async def fire(self, name: str, body: bytes) -> None:
        """Do what a firing asks for, at the time that it carries.

        Raises:
            InvalidInput: that is no schedule's name.
            TqError: it was not done; the firing is to be delivered again.
        """
        check_name(name, noun="schedule")
        if body == ENDED:
            await self.tick(name, ended=True)
            return
        with suppress(ValueError, TypeError, NotFound):  # whatever else somebody published is a reason to look, too
            early = datetime.fromisoformat(body.decode("ascii", "replace")) - await self._clock.now()
            await self._broker.link.sleep(min(max(early, timedelta(0)), 2 * LEAD).total_seconds())
        await self.tick(name)

    async def tick(self, name: str, *, ended: bool = False, swept: bool = False) -> None:
        """Bring a schedule up to now; because a run `ended`, only where another may wait for that.

        Raises:
            TqError: that was not possible; what was decided is not lost.
        """
        for _ in range(_TRIES):
            try:
                if await self._tick(name, ended=ended, swept=swept):
                    return
            except WrongSequence:
                continue
            except UnreadableSchedule as error:
                self._complain(name, error.message)
                return
        msg = f"the schedule {name!r} changes faster than it can be kept"
        raise Unavailable(msg)

    async def run(self) -> None:
        """Sweep until cancelled."""
        pause_s = random.uniform(0, SPREAD_S)  # noqa: S311 - spreads agents; no secret
        while True:
            await asyncio.sleep(pause_s)
            pause_s = SWEEP_S + random.uniform(0, SPREAD_S)  # noqa: S311 - as above
            try:
                if await self._is_our_turn():
                    await self.sweep()
            except TqError as error:
                self._complain("", f"the schedules were not looked over: {error}")
            except Exception:  # noqa: BLE001 - a bug of ours must not end the agent
                say(f"schedules: {traceback.format_exc()}")

    async def sweep(self) -> None:
        """Tick every schedule that needs it.

        Raises:
            TqError: the broker does not answer.
        """
        found = [one async for one in read_schedules(self._broker)]
        if not found:
            return
        timers = await read_timers(self._broker)
        schedules = []
        for one in found:
            if isinstance(one, UnreadableSchedule):
                self._complain(one.name, one.message)
            else:
                schedules.append(one.schedule)
        ends = await self._load_records(run for one in schedules for run in one.open_runs)
        for schedule in schedules:
            over = any(_is_final(ends.get(run.job)) for run in schedule.open_runs)
            timer = timers.get(schedule.name)
            if over or schedule.starting or schedule.waiting or not is_timer_right(schedule, timer):
                with suppress(TqError):  # the next sweep comes
                    await self.tick(schedule.name, swept=True)

    # tick ---------------------------------------------------------------------------------------------------------

    async def _tick(self, name: str, *, ended: bool, swept: bool) -> bool:
        """Take a schedule one step on; return whether it is where it should be."""
        found = await load_schedule(self._broker, name)
        if found is None:
            await remove_schedule_timer(self._broker, name)
            return True
        last, sequence = found
        if ended and not last.waiting and not last.starting:
            return True
        resumed = bool(last.starting)
        schedule = last if resumed else await self._decide(last, swept=swept)
        if schedule != last:
            sequence = await write_schedule(self._broker, schedule, expected=sequence)
        if not schedule.starting:
            await sync_timer(self._broker, schedule)
            return await self._is_unchanged(name, sequence)
        noted = await self._start(schedule)
        await sync_timer(self._broker, noted)
        await write_schedule(self._broker, noted, expected=sequence)
        return not resumed

    async def _decide(self, schedule: Schedule, *, swept: bool) -> Schedule:
        """Return the schedule with all decided that can be decided now."""
        now = await self._clock.now()
        planned = advance(schedule, now)
        running = False
        if planned.open_runs and (planned.waiting or swept):
            planned = await self._note_ends(planned)
            running = bool(planned.open_runs)
        decided = launch(planned, running=running, now=now)
        if decided.starting and not await has_queue(self._broker, decided.definition.template.queue):
            decided = refuse(decided, (*decided.starting, *decided.waiting), "no queue", now)
        return decided

    async def _start(self, schedule: Schedule) -> Schedule:
        """Submit what starts; return the schedule with it in its history."""
        now = await self._clock.now()
        starting = schedule.starting
        if schedule.definition.overlap == "replace" and any(run.kind == "planned" for run in starting):
            for run in schedule.open_runs:
                await cancel_job(self._broker, JobId(run.job))
        for run in starting:
            try:
                await submit_run(self._broker, schedule, run, now=now)
            except InvalidInput as error:
                schedule = refuse(schedule, [run], f"rejected: {error.message}", now)
        return settle(schedule, schedule.starting)

    async def _is_unchanged(self, name: str, sequence: int) -> bool:
        """Return whether the timer that was just set is that of the snapshot which is there now."""
        found = await load_schedule(self._broker, name)
        return found is not None and found.sequence == sequence

    # ends of runs -------------------------------------------------------------------------------------------------

    async def _note_ends(self, schedule: Schedule) -> Schedule:
        runs = schedule.open_runs
        records = await self._load_records(runs)
        forgotten = {run.job for run in runs if run.job not in records and await self._is_forgotten(run)}
        return note_ends(schedule, records, forgotten)

    async def _load_records(self, runs: Iterable[Run]) -> dict[str, Record]:
        """Return the records of the runs' jobs, by their ids."""
        names = self._broker.names
        subjects = {names.record(run.job, 0): run.job for run in runs}
        if not subjects:
            return {}
        records = {}
        for subject, stored in (await load_many(self._broker.link, names.records, list(subjects))).items():
            try:
                records[subjects[subject]] = decode_record(stored.body)
            except CorruptRecord:
                records[subjects[subject]] = _UNREADABLE
        return records

    async def _is_forgotten(self, run: Run) -> bool:
        """Return whether neither a message nor a record of the run's job is there: it was purged, or aged out."""
        link, names = self._broker.link, self._broker.names
        for stream, subject in (
            (names.jobs, names.job_anywhere(JobId(run.job))),
            (names.timers, names.timer(run.job, 0)),
            (names.timers, names.firing(run.job, 0)),
            (names.jobs, names.job_anywhere(JobId(run.job))),
            (names.records, names.record(run.job, 0)),
        ):
            if await ask_leader(link, stream, subject) is not None:
                return False
        return True

    # sweep --------------------------------------------------------------------------------------------------------

    async def _is_our_turn(self) -> bool:
        """Return whether no agent swept lately, and leave the mark that this one does."""
        link, names = self._broker.link, self._broker.names
        marked = await last_stored(link, names.schedules, names.swept)
        sequence = 0
        if marked is not None:
            sequence, at = marked
            if await self._clock.now() - at < timedelta(seconds=SWEEP_S - SPREAD_S):
                return False
        try:
            headers = {HEADER_EXPECTED: str(sequence)}
            check_ack(await link.post(names.swept, b"", headers=headers), names.swept)
        except WrongSequence:
            return False
        return True

    def _complain(self, about: str, text: str) -> None:
        """Say it once."""
        if self._said.get(about) != text:
            self._said[about] = text
            say(text)


def _is_final(record: Record | None) -> bool:
    return record is not None and record.state.final
