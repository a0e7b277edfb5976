"""What becomes of a schedule's planned times: each function makes the next snapshot out of the last one.

::

    advance    planned times that have come wait; what was missed waits too or is skipped, by the catch-up rule
    launch     what waits starts, goes on waiting or is skipped, by the overlap rule
    settle     what is known to be queued is in the history

`now` is the broker's clock, as far as anybody can tell. It may be stepped: forward, and the times in between are
missed ones; back, and the cursor follows, so planned times come a second time. They have the ids that they had, so what
ran does not run again.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Literal

import msgspec

from tqcli.core.schedules.rule import EveryRule, last_until, next_after, planned_between
from tqcli.core.schedules.schedule import (
    HISTORY_KEPT,
    Definition,
    Entry,
    Pause,
    Run,
    Schedule,
    Skipped,
    jitter_offset,
    make_run,
    parse_catch_up,
)
from tqcli.core.spec import WIRE_VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from tqcli.core.record import Record

MISSED = timedelta(seconds=60)
"""A planned time that is later than this was missed."""

STEPPED = timedelta(seconds=60)
"""A cursor so far ahead of the clock shows that the clock was stepped back."""

MAX_WAITING = 100
"""Runs that wait for the one before; more are skipped."""

COUNTED_MOST = 1_000
"""Skipped planned times are counted so far; computing more of them would hold up an agent."""

_TICK = timedelta(microseconds=1)

replace = msgspec.structs.replace


def define(definition: Definition, *, now: datetime, by: str | None, last: Schedule | None = None) -> Schedule:
    """Return the schedule that is defined so `now`; where there was one before, its next revision.

    Of the one before stay its history, what waits, and a pause. Its planned times up to now are dealt with by its own
    rule. An interval counts from now; one that is the same, from where it did. An unchanged definition changes nothing.
    """
    rule = definition.rule
    if isinstance(rule, EveryRule):
        start = now.replace(microsecond=now.microsecond // 1000 * 1000)
        definition = replace(definition, rule=EveryRule(every=rule.every, start=start))
    if last is None:
        return Schedule(v=WIRE_VERSION, definition=definition, revision=1, defined_at=now, defined_by=by, cursor=now)
    before, max_runs = last.definition.rule, last.definition.max_runs
    if isinstance(rule, EveryRule) and isinstance(before, EveryRule) and rule.every == before.every:
        definition = replace(definition, rule=before)
    if definition == last.definition:
        return last
    # By its own rule, before it has another one.
    last = advance(last, now)
    same = definition.rule == before
    # Where the clock was stepped back, its times would come again, and have other ids than those that ran.
    floor = max((last.floor or last.defined_at, *_planned_times(last))) if same else None
    return replace(
        last,
        definition=definition,
        revision=last.revision + 1,
        defined_at=now,
        defined_by=by,
        cursor=max(last.cursor, floor or last.cursor) if same else now,
        floor=floor,
        runs=last.runs if same and definition.max_runs == max_runs else 0,
    )


def phase(schedule: Schedule) -> Literal["active", "paused", "finished"]:
    """Return whether more runs follow: `finished` has none left."""
    if schedule.paused is not None:
        return "paused"
    return "active" if schedule.waiting or schedule.starting or next_planned(schedule) is not None else "finished"


def next_planned(schedule: Schedule) -> datetime | None:
    """Return the next planned time, without jitter; None where none follows, or the schedule is paused."""
    if schedule.paused is not None or _runs_left(schedule) == 0:
        return None
    planned = next_after(schedule.definition.rule, schedule.cursor)
    until = schedule.definition.until
    return None if planned is None or (until is not None and planned > until) else planned


def next_firing(schedule: Schedule) -> datetime | None:
    """Return when the next planned time is to run: with its jitter."""
    planned = next_planned(schedule)
    return None if planned is None else planned + jitter_offset(schedule.definition)


def preview(schedule: Schedule, count: int) -> list[datetime]:
    """Return the next planned times, at most `count`; of a paused schedule, those that it would have."""
    going = replace(schedule, paused=None)
    times: list[datetime] = []
    while len(times) < min(count, _runs_left(going) or count) and (planned := next_planned(going)) is not None:
        times.append(planned)
        going = replace(going, cursor=planned)
    return times


def advance(schedule: Schedule, now: datetime) -> Schedule:
    """Return the schedule with the planned times that have come by `now` waiting, or skipped by the catch-up rule."""
    if schedule.cursor > now + STEPPED:
        schedule = replace(schedule, cursor=max(now, schedule.floor or now))
    definition = schedule.definition
    until = now - jitter_offset(definition)
    planned = next_planned(schedule)
    if planned is None or planned > until:
        return schedule
    last = until if definition.until is None else min(until, definition.until)
    on_time = list(planned_between(definition.rule, max(schedule.cursor, until - MISSED), last))
    missed = _pick_missed(schedule, min(until - MISSED, last), newer=bool(on_time))
    # A new time that comes with missed ones stands in line with them.
    runs = [make_run(schedule, one, missed=bool(missed)) for one in (*missed, *on_time)]
    first_kept = next(iter(missed or on_time), last + _TICK)
    entries = _count_skipped(schedule, min(first_kept - _TICK, until - MISSED), now)
    known = {one.job for one in (*schedule.history, *schedule.waiting, *schedule.starting) if isinstance(one, Run)}
    new = [run for run in runs if run.job not in known][: _runs_left(schedule)]
    return replace(
        add_entries(schedule, entries),
        cursor=until,
        waiting=(*schedule.waiting, *new),
        runs=schedule.runs + len(new),
    )


def launch(schedule: Schedule, *, running: bool, now: datetime) -> Schedule:
    """Return the schedule with what may start now starting; `running` says whether an earlier run goes on."""
    schedule, waiting = _drop_expired(schedule, now)
    if not waiting:
        return replace(schedule, waiting=())
    match schedule.definition.overlap:
        case "allow":
            return replace(schedule, waiting=(), starting=(*schedule.starting, *waiting))
        case "replace":
            return _start(_skip(schedule, waiting[:-1], "overlap", now), waiting[-1:], left=())
        case "queue":
            schedule = _skip(schedule, waiting[MAX_WAITING:], "overlap", now)
            first = () if running else waiting[:1]
            return _start(schedule, first, left=waiting[len(first) : MAX_WAITING])
        case "skip":
            # What is made up for runs one after the other; a new time does not wait for that.
            missed = tuple(one for one in waiting if one.missed)
            fresh = tuple(one for one in waiting if not one.missed)
            first = () if running else missed[:1] or fresh[-1:]
            skipped = tuple(one for one in fresh if one not in first)
            return _start(_skip(schedule, skipped, "overlap", now), first, left=missed[len(first) if missed else 0 :])


def settle(schedule: Schedule, started: Sequence[Run]) -> Schedule:
    """Return the schedule with those runs, which are known to be queued, in its history."""
    jobs = {run.job for run in started}
    kept = tuple(run for run in schedule.starting if run.job not in jobs)
    return replace(add_entries(schedule, started), starting=kept)


def refuse(schedule: Schedule, runs: Sequence[Run], reason: str, now: datetime) -> Schedule:
    """Return the schedule with these runs, which start or wait, skipped: they can't run."""
    starting = tuple(run for run in schedule.starting if run not in runs)
    waiting = tuple(run for run in schedule.waiting if run not in runs)
    return _skip(replace(schedule, starting=starting, waiting=waiting), tuple(runs), reason, now)


def note_ends(schedule: Schedule, records: Mapping[str, Record], forgotten: Collection[str]) -> Schedule:
    """Return the schedule with the ends of its runs, as the records of their jobs tell, by id; some are `forgotten`."""

    def note(entry: Entry) -> Entry:
        if not isinstance(entry, Run) or entry.state is not None:
            return entry
        record = records.get(entry.job)
        if record is None or not record.state.final:
            return replace(entry, forgotten=entry.forgotten or entry.job in forgotten)
        return replace(
            entry,
            state=record.state,
            reason=record.reason,
            started_at=record.started_at,
            finished_at=record.finished_at,
        )

    return replace(schedule, history=tuple(note(entry) for entry in schedule.history))


def pause(schedule: Schedule, *, now: datetime, note: str | None) -> Schedule:
    """Return the schedule paused; a paused one gets the new note. What waits is skipped."""
    since = now if schedule.paused is None else schedule.paused.since
    schedule = advance(schedule, now)
    schedule = _skip(replace(schedule, waiting=()), schedule.waiting, "paused", now)
    return replace(schedule, paused=Pause(since=since, note=note))


def resume(schedule: Schedule, now: datetime) -> Schedule:
    """Return the schedule going on from `now`; its history says what the pause skipped."""
    if schedule.paused is None:
        return schedule
    schedule = replace(schedule, paused=None)
    until = now - jitter_offset(schedule.definition)
    skipped = _count_skipped(schedule, until, now, reason="paused")
    return replace(add_entries(schedule, skipped), cursor=max(schedule.cursor, until))


def add_entries(schedule: Schedule, entries: Sequence[Entry]) -> Schedule:
    """Return the schedule with these at the end of its history."""
    return replace(schedule, history=(*schedule.history, *entries)[-HISTORY_KEPT:]) if entries else schedule


def _planned_times(schedule: Schedule) -> list[datetime]:
    """Return the planned times that became runs, as far as anything of them is remembered."""
    runs = (one for one in (*schedule.history, *schedule.waiting, *schedule.starting) if isinstance(one, Run))
    return [run.planned for run in runs if run.kind == "planned"]


def _runs_left(schedule: Schedule) -> int | None:
    """Return how many more planned times may run; None is no limit."""
    most = schedule.definition.max_runs
    return None if most is None else max(0, most - schedule.runs)


def _pick_missed(schedule: Schedule, until: datetime, *, newer: bool) -> list[datetime]:
    """Return the missed times that are made up for, the newest by the catch-up rule, in order."""
    rule = parse_catch_up(schedule.definition.catch_up)
    picked: list[datetime] = []
    if newer and not rule.always:
        return picked
    while len(picked) < rule.most:
        planned = last_until(schedule.definition.rule, until)
        if planned is None or planned <= schedule.cursor:
            break
        picked.append(planned)
        until = planned - _TICK
    return picked[::-1]


def _count_skipped(
    schedule: Schedule, until: datetime, now: datetime, *, reason: str = "missed"
) -> tuple[Skipped, ...]:
    """Return the entry for all planned times after the cursor, up to `until`."""
    rule = schedule.definition.rule
    last_possible = schedule.definition.until
    until = until if last_possible is None else min(until, last_possible)
    last = last_until(rule, until) if until > schedule.cursor else None
    if last is None or last <= schedule.cursor:
        return ()
    times = list(islice(planned_between(rule, schedule.cursor, last), COUNTED_MOST))
    more = times[-1] < last
    return (Skipped(first=times[0], last=last, count=len(times), reason=reason, at=now, more=more),)


def _drop_expired(schedule: Schedule, now: datetime) -> tuple[Schedule, tuple[Run, ...]]:
    """Return the schedule without, and in its history, what is too late to start; and what still waits."""
    expires = schedule.definition.expires
    if expires is None:
        return schedule, schedule.waiting
    late = tuple(run for run in schedule.waiting if run.planned + expires <= now)
    return _skip(schedule, late, "expired", now), tuple(run for run in schedule.waiting if run not in late)


def _start(schedule: Schedule, runs: tuple[Run, ...], *, left: tuple[Run, ...]) -> Schedule:
    return replace(schedule, waiting=left, starting=(*schedule.starting, *runs))


def _skip(schedule: Schedule, runs: tuple[Run, ...], reason: str, now: datetime) -> Schedule:
    """Return the schedule with those runs in its history as skipped; what was skipped just before grows instead."""
    if not runs:
        return schedule
    # They were counted when their time came; what does not run leaves room for another one (max_runs).
    schedule = replace(schedule, runs=max(0, schedule.runs - sum(run.kind == "planned" for run in runs)))
    entry = Skipped(first=runs[0].planned, last=runs[-1].planned, count=len(runs), reason=reason, at=now)
    last = schedule.history[-1] if schedule.history else None
    if isinstance(last, Skipped) and last.reason == reason and last.last < entry.first:
        grown = replace(last, last=entry.last, count=last.count + entry.count, at=now)
        return replace(schedule, history=(*schedule.history[:-1], grown))
    return add_entries(schedule, (entry,))
