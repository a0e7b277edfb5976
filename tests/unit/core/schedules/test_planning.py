"""What becomes of planned times: catch-up, overlap, limits; and that none is lost or doubled, whatever breaks off."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.schedules import HOURLY, START, make_definition, runs, skips
from tqcli.core.record import Record, become, queued
from tqcli.core.schedules import planning
from tqcli.core.schedules.planning import (
    MAX_WAITING,
    advance,
    define,
    launch,
    next_firing,
    next_planned,
    note_ends,
    pause,
    phase,
    preview,
    refuse,
    resume,
    settle,
)
from tqcli.core.schedules.rule import AtRule, CronRule, EveryRule, planned_between
from tqcli.core.schedules.schedule import Run, Schedule, jitter_offset
from tqcli.core.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def make(**fields: Any) -> Schedule:
    """Return an hourly schedule that is defined at noon."""
    return define(make_definition(**({"rule": HOURLY} | fields)), now=START, by="ann@host")


def minutely(**fields: Any) -> Schedule:
    """Return one that runs each minute."""
    return make(rule=CronRule("* * * * *"), **fields)


def planned(found: tuple[Run, ...] | list[Run]) -> list[timedelta]:
    """Return the planned times, from noon on."""
    return [run.planned - START for run in found]


def ended(schedule: Schedule) -> dict[str, Record]:
    """Return final records of all runs."""
    record = become(queued(b"{}"), State.SUCCEEDED, finished_at=START)
    return {run.job: record for run in runs(schedule)}


def test_a_new_schedule_runs_from_its_definition_on() -> None:
    """What was planned before it was there is none of its business, nor is the very moment."""
    assert next_planned(make()) == START + HOUR
    assert advance(make(), START + HOUR - SECOND) == make()
    assert planned(advance(make(), START + HOUR).waiting) == [HOUR]
    assert next_planned(advance(make(), START + HOUR)) == START + 2 * HOUR


def test_a_planned_time_that_is_a_minute_late_is_on_time() -> None:
    """Whoever restarts an agent or a server does not miss anything by that, whatever the catch-up rule."""
    for catch_up in ("none", "latest", "all:3"):
        late = advance(make(catch_up=catch_up), START + HOUR + MINUTE - SECOND)
        assert [run.missed for run in late.waiting] == [False]


@pytest.mark.parametrize(
    ("catch_up", "kept"),
    [("none", []), ("latest", [3 * HOUR]), ("all:2", [2 * HOUR, 3 * HOUR]), ("all:9", [HOUR, 2 * HOUR, 3 * HOUR])],
)
def test_catch_up_keeps_the_newest_of_what_was_missed(catch_up: str, kept: list[timedelta]) -> None:
    """The rest is in the history as missed."""
    found = advance(make(catch_up=catch_up), START + 3 * HOUR + 30 * MINUTE)
    assert planned(found.waiting) == kept
    assert all(run.missed for run in found.waiting)
    assert sum(one.count for one in skips(found)) == 3 - len(kept)
    assert {one.reason for one in skips(found)} <= {"missed"}


def test_latest_makes_up_for_nothing_beside_a_new_time() -> None:
    """The new one is the latest; with `all` the missed ones run before it, in order."""
    now = START + 3 * HOUR
    assert planned(advance(make(), now).waiting) == [3 * HOUR]
    (skipped,) = skips(advance(make(), now))
    assert (skipped.first, skipped.last, skipped.count) == (START + HOUR, START + 2 * HOUR, 2)
    assert planned(advance(make(catch_up="all:1"), now).waiting) == [2 * HOUR, 3 * HOUR]


def test_a_long_absence_costs_little() -> None:
    """Of a million skipped times a thousand are counted, and the history says that there were more."""
    schedule = make(rule=EveryRule(every=SECOND, start=START))
    found = advance(schedule, START + 12 * 24 * HOUR)
    (skipped,) = skips(found)
    assert (skipped.count, skipped.more) == (1_000, True)
    assert skipped.last == START + 12 * 24 * HOUR - MINUTE


def test_until_and_max_runs_end_a_schedule() -> None:
    """Its last time is `until` itself; nothing is missed after that."""
    schedule = make(until=START + 2 * HOUR, catch_up="all:9")
    assert preview(schedule, 9) == [START + HOUR, START + 2 * HOUR]
    after = advance(schedule, START + 9 * HOUR)
    assert planned(after.waiting) == [HOUR, 2 * HOUR]
    assert next_planned(after) is None
    limited = make(max_runs=2, catch_up="all:9")
    assert preview(limited, 9) == [START + HOUR, START + 2 * HOUR]
    after = advance(limited, START + 9 * HOUR)
    assert (planned(after.waiting), next_planned(after)) == ([HOUR, 2 * HOUR], None)
    assert phase(after) == "active"
    over = settle(launch(msgspec.structs.replace(after, waiting=after.waiting[:1]), running=False, now=START), [])
    assert phase(settle(over, over.starting)) == "finished"


def test_skipped_runs_are_no_runs() -> None:
    """Neither in the count nor for the limit."""
    schedule = minutely(max_runs=3, overlap="skip")
    for minute in range(1, 6):
        now = START + minute * MINUTE
        schedule = launch(advance(schedule, now), running=minute not in {1, 5}, now=now)
        schedule = settle(schedule, schedule.starting)
    assert (schedule.runs, len(runs(schedule)), phase(schedule)) == (2, 2, "active")


def test_jitter_delays_a_run_and_leaves_its_planned_time() -> None:
    """The delay is the same each time, less than the jitter, and another one for another name."""
    schedule = make(jitter=10 * MINUTE)
    offset = jitter_offset(schedule.definition)
    assert timedelta(0) < offset < 10 * MINUTE
    assert next_firing(schedule) == START + HOUR + offset
    assert advance(schedule, START + HOUR + offset - SECOND) == schedule
    assert planned(advance(schedule, START + HOUR + offset).waiting) == [HOUR]
    offsets = {jitter_offset(make_definition(name=f"n{number}", jitter=10 * MINUTE)) for number in range(50)}
    assert len(offsets) > 40


def test_skip_starts_nothing_while_a_run_goes_on() -> None:
    """The newest of several that come together is the one that starts."""
    schedule = advance(minutely(), START + MINUTE)
    assert planned(launch(schedule, running=False, now=START).starting) == [MINUTE]
    busy = launch(schedule, running=True, now=START + MINUTE)
    assert (busy.starting, busy.waiting) == ((), ())
    assert [(one.reason, one.count) for one in skips(busy)] == [("overlap", 1)]
    again = launch(advance(busy, START + 2 * MINUTE), running=True, now=START + 2 * MINUTE)
    assert [(one.reason, one.count) for one in skips(again)] == [("overlap", 2)], "one entry that grows"
    several = advance(make(rule=EveryRule(every=10 * SECOND, start=START)), START + 30 * SECOND)
    assert planned(launch(several, running=False, now=START).starting) == [30 * SECOND]


def test_skip_makes_up_for_what_was_missed_one_after_the_other() -> None:
    """Never two at once; what comes meanwhile is skipped."""
    schedule = launch(advance(make(catch_up="all:2"), START + 3 * HOUR + 30 * MINUTE), running=False, now=START)
    assert (planned(schedule.starting), planned(schedule.waiting)) == ([2 * HOUR], [3 * HOUR])
    schedule = settle(schedule, schedule.starting)
    schedule = launch(advance(schedule, START + 4 * HOUR), running=True, now=START)
    assert (planned(schedule.starting), planned(schedule.waiting)) == ([], [3 * HOUR])
    assert skips(schedule)[-1].reason == "overlap"
    assert planned(launch(schedule, running=False, now=START).starting) == [3 * HOUR]


def test_queue_lets_runs_wait_in_order_but_not_without_end() -> None:
    """A hundred wait; what comes then is skipped."""
    schedule = make(rule=EveryRule(every=SECOND, start=START), overlap="queue")
    for number in range(1, MAX_WAITING + 4):
        now = START + number * SECOND
        schedule = launch(advance(schedule, now), running=number > 1, now=now)
    assert planned(schedule.starting) == [SECOND]
    assert planned(schedule.waiting) == [number * SECOND for number in range(2, MAX_WAITING + 2)]
    assert [(one.reason, one.count) for one in skips(schedule)] == [("overlap", 2)]
    schedule = settle(schedule, schedule.starting)
    assert planned(launch(schedule, running=False, now=START).starting) == [2 * SECOND]


def test_replace_starts_the_newest_and_allow_all() -> None:
    """Whatever goes on."""
    times = START + 30 * SECOND
    rule = EveryRule(every=10 * SECOND, start=START)
    newest = launch(advance(make(rule=rule, overlap="replace"), times), running=True, now=times)
    assert (planned(newest.starting), skips(newest)[0].count) == ([30 * SECOND], 2)
    every = launch(advance(make(rule=rule, overlap="allow"), times), running=True, now=times)
    assert planned(every.starting) == [10 * SECOND, 20 * SECOND, 30 * SECOND]


def test_what_is_too_late_to_start_is_skipped() -> None:
    """`expires` counts from the planned time."""
    schedule = make(expires=20 * MINUTE, overlap="queue")
    waiting = launch(advance(schedule, START + HOUR), running=True, now=START + HOUR)
    in_time = launch(waiting, running=False, now=START + HOUR + 19 * MINUTE)
    assert planned(in_time.starting) == [HOUR]
    late = launch(waiting, running=False, now=START + HOUR + 20 * MINUTE)
    assert (late.starting, late.waiting, skips(late)[0].reason) == ((), (), "expired")


def test_refused_runs_are_in_the_history() -> None:
    """With the reason."""
    schedule = launch(advance(make(), START + HOUR), running=False, now=START + HOUR)
    refused = refuse(schedule, schedule.starting, "no queue", START + HOUR)
    assert (refused.starting, [one.reason for one in skips(refused)]) == ((), ["no queue"])


def test_a_pause_skips_what_is_planned_meanwhile() -> None:
    """Also what waited. The history says so at the end; a second pause changes the note alone."""
    schedule = launch(advance(make(overlap="queue"), START + HOUR), running=True, now=START + HOUR)
    paused = pause(schedule, now=START + HOUR + MINUTE, note="holidays")
    assert (paused.waiting, next_planned(paused), phase(paused)) == ((), None, "paused")
    assert advance(paused, START + 9 * HOUR) == paused
    again = pause(paused, now=START + 2 * HOUR, note="more")
    assert again.paused is not None
    assert (again.paused.since, again.paused.note) == (START + HOUR + MINUTE, "more")
    going = resume(again, START + 4 * HOUR)
    assert [(one.reason, one.count) for one in skips(going)] == [("paused", 1), ("paused", 3)]
    assert next_planned(going) == START + 5 * HOUR
    assert resume(going, START + 9 * HOUR) == going


def test_ends_are_noted_once_they_are_final() -> None:
    """A job of which nothing is there any more is forgotten, and holds up nothing."""
    schedule = launch(advance(make(), START + HOUR), running=False, now=START)
    schedule = settle(schedule, schedule.starting)
    (run,) = schedule.open_runs
    assert note_ends(schedule, {run.job: queued(b"{}")}, ()) == schedule
    noted = note_ends(schedule, ended(schedule), ())
    assert (noted.open_runs, runs(noted)[0].state) == ((), State.SUCCEEDED)
    assert note_ends(schedule, {}, {run.job}).open_runs == ()


def test_an_unchanged_definition_is_no_new_revision() -> None:
    """Nor is an interval that is defined again: it goes on counting from where it did."""
    schedule = make(rule=EveryRule(every=HOUR, start=START))
    later = START + 90 * MINUTE
    same = make_definition(rule=EveryRule(every=HOUR, start=later))
    assert define(same, now=later, by="bob@host", last=schedule) == schedule
    changed = define(msgspec.structs.replace(same, note="why"), now=later, by="bob@host", last=schedule)
    assert (changed.revision, changed.defined_by) == (2, "bob@host")
    assert next_planned(changed) == START + 2 * HOUR
    other = define(make_definition(rule=EveryRule(every=MINUTE, start=START)), now=later, by=None, last=schedule)
    assert next_planned(other) == later + MINUTE


def test_a_changed_definition_loses_nothing_that_was_due() -> None:
    """It is dealt with by the old rule, under the id that it had; the new rule begins now, and counts its own runs."""
    schedule = make(max_runs=5)
    later = START + HOUR + SECOND
    due = advance(schedule, later).waiting
    changed = define(make_definition(rule=CronRule("30 * * * *"), max_runs=5), now=later, by=None, last=schedule)
    assert changed.waiting == due
    assert (changed.runs, next_planned(changed)) == (0, START + HOUR + 30 * MINUTE)
    noted = define(make_definition(rule=HOURLY, max_runs=5, note="why"), now=later, by=None, last=schedule)
    assert noted.runs == 1


def test_one_time_is_one_run() -> None:
    """Missed, it is made up for."""
    schedule = make(rule=AtRule(START + HOUR))
    found = advance(schedule, START + 5 * HOUR)
    assert (planned(found.waiting), next_planned(found)) == ([HOUR], None)


def test_a_clock_that_was_set_back_runs_nothing_twice() -> None:
    """The cursor follows it, and what ran has its id; what was skipped by mistake runs in time after all."""
    schedule = launch(advance(make(), START + HOUR), running=False, now=START + HOUR)
    schedule = settle(schedule, schedule.starting)
    wrong = advance(schedule, START + 100 * 24 * HOUR)
    assert next_planned(wrong) == START + 100 * 24 * HOUR + HOUR
    right = advance(msgspec.structs.replace(wrong, waiting=()), START + 30 * MINUTE)
    assert right.cursor == START + 30 * MINUTE
    again = advance(right, START + HOUR)
    assert again.waiting == ()
    assert planned(advance(again, START + 2 * HOUR).waiting) == [2 * HOUR]


class World:
    """A schedule that is stored, its jobs by their ids, and agents at work on it that may be at any step."""

    def __init__(self, schedule: Schedule) -> None:
        """Begin at its definition."""
        self.schedule = schedule
        self.sequence = 1
        self.now = START
        self.jobs: dict[str, datetime] = {}
        self.alive: set[str] = set()
        self.ticks: list[Iterator[None]] = []

    def write(self, schedule: Schedule, expected: int) -> bool:
        """Replace the snapshot by compare-and-set."""
        if self.sequence != expected:
            return False
        self.schedule, self.sequence = schedule, self.sequence + 1
        return True

    def tick(self) -> Iterator[None]:
        """Do what an agent does on a firing (`agent.schedules`); it may be broken off wherever this yields."""
        while True:
            last, expected, now = self.schedule, self.sequence, self.now
            yield
            if not last.starting:
                decided = advance(last, now)
                decided = note_ends(
                    decided, {job: one for job, one in ended(decided).items() if job not in self.alive}, ()
                )
                decided = launch(decided, running=bool(decided.open_runs), now=now)
                if decided == last:
                    return
                if not self.write(decided, expected):
                    continue
                last, expected = decided, self.sequence
                yield
            for run in last.starting:
                if run.job not in self.jobs:
                    self.jobs[run.job] = run.planned
                    self.alive.add(run.job)
                yield
            self.write(settle(last, last.starting), expected)

    def finish(self) -> None:
        """Let one agent bring everything to its end."""
        for _ in range(10_000):
            self.alive.clear()
            for _ in self.tick():
                pass
            if not self.schedule.waiting and not self.schedule.starting:
                return
        pytest.fail("it does not come to an end")


EVERY = 7 * SECOND
actions = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.just(0)),
        st.tuples(st.just("step"), st.integers(0, 5)),
        st.tuples(st.just("crash"), st.integers(0, 5)),
        st.tuples(st.just("end"), st.just(0)),
        st.tuples(st.just("pass"), st.integers(1, 200)),
        st.tuples(st.just("change"), st.integers(0, 2)),
    ),
    max_size=60,
)


def play(world: World, script: list[tuple[str, int]], *, back: bool = False) -> None:
    """Let all this happen."""
    for what, number in script:
        match what:
            case "begin":
                world.ticks.append(world.tick())
            case "step" | "crash" if world.ticks:
                one = world.ticks[number % len(world.ticks)]
                if what == "crash" or next(one, "over") == "over":
                    world.ticks.remove(one)
            case "end" if world.alive:
                world.alive.discard(min(world.alive))
            case "pass":
                world.now += (number if not back or number % 5 else -number) * SECOND
            case "change":
                last = world.schedule
                definition = msgspec.structs.replace(last.definition, note=f"note {number}")
                world.write(define(definition, now=world.now, by=None, last=last), world.sequence)
            case _:
                pass


@given(
    script=actions,
    overlap=st.sampled_from(["skip", "queue", "replace", "allow"]),
    catch_up=st.sampled_from(["none", "latest", "all:3", "all:1000"]),
    jitter=st.sampled_from([0, 30]),
)
def test_no_planned_time_is_lost_or_doubled(
    script: list[tuple[str, int]], overlap: str, catch_up: str, jitter: int
) -> None:
    """Each is one job, or in the history as skipped: whoever was at it, broke off, or changed the definition."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "HISTORY_KEPT", 1_000_000)
        rule = EveryRule(every=EVERY, start=START)
        world = World(make(rule=rule, overlap=overlap, catch_up=catch_up, jitter=jitter * SECOND))
        play(world, script)
        world.finish()
        until = world.now - jitter_offset(world.schedule.definition)
        times = list(planned_between(rule, START, until))
        ran = sorted(world.jobs.values())
        assert len(ran) == len(set(ran))
        assert set(ran) <= set(times)
        assert {run.job for run in runs(world.schedule)} == set(world.jobs)
        assert len(ran) + sum(one.count for one in skips(world.schedule)) == len(times)
        if (overlap, catch_up) == ("allow", "all:1000"):
            assert ran == times


@given(script=actions)
@example(script=[("begin", 0), ("pass", 7), ("step", 0), ("step", 0), ("pass", 100), ("change", 0)])
def test_a_clock_that_is_stepped_loses_and_doubles_nothing(script: list[tuple[str, int]]) -> None:
    """Where everything is made up for, all that was planned up to the latest time ever shown ran once."""
    rule = EveryRule(every=EVERY, start=START)
    world = World(make(rule=rule, overlap="allow", catch_up="all:1000"))
    play(world, script, back=True)
    world.now = max(world.now, START) + HOUR
    world.finish()
    ran = sorted(world.jobs.values())
    assert len(ran) == len(set(ran))
    assert set(planned_between(rule, START, world.now)) <= set(ran)
