"""Ticks and sweeps on a stage, without an agent around them, so that others can come in between at any step."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.support.meddler import Meddler
from tests.support.schedules import HOURLY, add, load, runs, shift, skips
from tqcli.agent.schedules import Schedules
from tqcli.client.queues import add_queue, remove_queue
from tqcli.client.schedules import pause_schedule, remove_schedule, run_schedule
from tqcli.core.schedules.rule import EveryRule
from tqcli.core.spec import Shell
from tqcli.core.state import Reason, State
from tqcli.errors import Unknown
from tqcli.jetstream.api import call
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.lookup import count_messages
from tqcli.jetstream.schedules import load_schedule, read_timers, write_schedule
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.stage import Stage
    from tqcli.core.schedules.schedule import Schedule
    from tqcli.jetstream.link import Message

HOUR = timedelta(hours=1)


def tick(stage: Stage, broker: Broker | None = None) -> None:
    """Do what an agent does on a firing."""
    stage.run(Schedules(broker or stage.broker).tick("nightly"))


def sweep(stage: Stage) -> None:
    """Do what an agent does now and then."""
    stage.run(Schedules(stage.broker).sweep())


def add_due(stage: Stage, **fields: Any) -> Schedule:
    """Define a schedule of which one planned time has come, a moment ago, and the next comes in an hour."""
    add(stage, EveryRule(every=HOUR, start=datetime.now(UTC)), **fields)
    return shift(stage, HOUR)


def make_due(stage: Stage) -> None:
    """Let another of its planned times have come, a moment ago."""
    shift(stage, HOUR + timedelta(seconds=5))


def count_jobs(stage: Stage) -> int:
    """Return how many jobs wait in queues."""
    return stage.run(count_messages(stage.link, stage.names.jobs, stage.names.jobs_of()))


@pytest.mark.parametrize("nth", range(4))
@pytest.mark.parametrize("step", ["schedule.nightly", "job.", "timer.schedule.nightly"])
def test_two_agents_at_any_two_steps_make_one_job(stage: Stage, step: str, nth: int) -> None:
    """One decides; the other one does what was decided, or finds it done."""
    add_due(stage)
    steps: list[Callable[[], object]] = [*(nth * [lambda: None]), partial(tick, stage)]
    tick(stage, stage.meddle(f"{stage.names.namespace}.{step}", *steps))
    after = load(stage)
    assert (len(runs(after)), after.starting, after.waiting, after.runs) == (1, (), (), 1)
    assert skips(after) == []
    assert count_jobs(stage) == 1
    assert stage.run(read_timers(stage.broker)).keys() == {"nightly"}


@pytest.mark.parametrize("step", ["schedule.", "job.", "timer.schedule.", "second schedule."])
def test_a_schedule_that_is_changed_meanwhile_runs_once_and_has_its_new_timer(stage: Stage, step: str) -> None:
    """At any step of a tick: what was due runs, and what follows is the new definition's."""
    add_due(stage)
    wait = [lambda: None] if step.startswith("second") else []
    subject = f"{stage.names.namespace}.{step.removeprefix('second ')}"
    tick(stage, stage.meddle(subject, *wait, partial(add, stage, HOURLY, replace=True)))
    after = load(stage)
    assert (len(runs(after)), count_jobs(stage)) == (1, 1)
    assert (after.definition.rule, after.revision) == (HOURLY, 2)
    moment = stage.run(read_timers(stage.broker))["nightly"]
    assert moment.endswith(":00:00.000Z")


def test_a_schedule_that_is_removed_meanwhile_leaves_no_timer(stage: Stage) -> None:
    """Whether its run was decided or not."""
    for position in range(4):
        add_due(stage)
        steps: list[Callable[[], object]] = [
            *(position * [lambda: None]),
            lambda: stage.run(remove_schedule(stage.broker, "nightly")),
        ]
        tick(stage, stage.meddle(stage.names.schedule("nightly"), *steps))
        if position < 2:
            assert stage.run(load_schedule(stage.broker, "nightly")) is None
            assert stage.run(read_timers(stage.broker)) == {}
        else:
            stage.run(remove_schedule(stage.broker, "nightly"))


def test_a_removal_that_comes_while_the_timer_is_set_holds(stage: Stage) -> None:
    """No timer stays that would fire for nothing."""
    add(stage, HOURLY)
    steps = [lambda: stage.run(remove_schedule(stage.broker, "nightly"))]
    tick(stage, stage.meddle(stage.names.schedule_timer("nightly"), *steps))
    assert stage.run(read_timers(stage.broker)) == {}


def test_a_pause_that_comes_while_the_timer_is_set_holds(stage: Stage) -> None:
    """No timer stays, and nothing runs at the planned time."""
    add(stage, HOURLY)
    steps = [lambda: stage.run(pause_schedule(stage.broker, "nightly"))]
    tick(stage, stage.meddle(stage.names.schedule_timer("nightly"), *steps))
    assert stage.run(read_timers(stage.broker)) == {}


def test_a_decision_that_nobody_carried_out_is_carried_out_by_the_next(stage: Stage) -> None:
    """As it was decided, under the same id; and so is what is due by now."""
    add_due(stage, overlap="allow")

    class Died(Exception):
        pass

    def die() -> None:
        raise Died

    with pytest.raises(Died):
        tick(stage, stage.meddle(f"{stage.names.namespace}.job.", die))
    (decided,) = load(stage).starting
    make_due(stage)
    tick(stage)
    done, new = runs(load(stage))
    assert done == decided
    assert new.planned > decided.planned - HOUR
    assert count_jobs(stage) == 2


def test_a_sweep_notes_how_runs_ended(stage: Stage) -> None:
    """Also where nobody told, and starts what waited for that."""
    add_due(stage, overlap="queue")
    tick(stage)
    complete_all(stage)
    sweep(stage)
    assert [one.state for one in runs(load(stage))] == [State.SUCCEEDED]


def test_a_sweep_starts_what_waits(stage: Stage) -> None:
    """The run before has ended, and nobody told."""
    add_due(stage, overlap="queue")
    tick(stage)
    make_due(stage)
    tick(stage)
    assert len(load(stage).waiting) == 1
    complete_all(stage)
    sweep(stage)
    after = load(stage)
    assert ([one.state for one in runs(after)], after.waiting) == ([State.SUCCEEDED, None], ())
    assert count_jobs(stage) == 1
    before = stage.run(load_schedule(stage.broker, "nightly"))
    sweep(stage)
    assert stage.run(load_schedule(stage.broker, "nightly")) == before


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_a_job_that_is_there_no_more_holds_up_nothing(stage: Stage, overlap: str) -> None:
    """Somebody purged its message: there never will be a record."""
    add_due(stage, overlap=overlap)
    tick(stage)
    stage.run(call(stage.link, f"STREAM.PURGE.{stage.names.jobs}"))
    make_due(stage)
    tick(stage)
    assert [one.forgotten for one in runs(load(stage))] == [True, False]
    assert count_jobs(stage) == 1


def test_a_record_that_cannot_be_read_holds_up_nothing(stage: Stage) -> None:
    """Its job is rejected by the next agent that gets it."""
    add_due(stage)
    tick(stage)
    stage.put(stage.names.record(runs(load(stage))[0].job, 0), b"{}")
    make_due(stage)
    tick(stage)
    assert [one.reason for one in runs(load(stage))] == [Reason.REJECTED, None]


def test_a_run_that_waits_in_a_paused_queue_keeps_others_from_piling_up(stage: Stage) -> None:
    """It has not ended: the next one is skipped."""
    add_due(stage)
    tick(stage)
    make_due(stage)
    tick(stage)
    assert count_jobs(stage) == 1
    assert [one.reason for one in skips(load(stage))] == ["overlap"]


def test_a_run_by_hand_counts_as_a_run(stage: Stage) -> None:
    """It starts whatever goes on; while it does, a planned time is skipped."""
    add_due(stage)
    tick(stage)
    stage.run(run_schedule(stage.broker, "nightly"))
    assert count_jobs(stage) == 2
    complete_all(stage)
    stage.run(run_schedule(stage.broker, "nightly"))
    make_due(stage)
    tick(stage)
    assert [one.kind for one in runs(load(stage))] == ["planned", "manual", "manual"]
    assert [one.reason for one in skips(load(stage))] == ["overlap"]


def complete_all(stage: Stage) -> None:
    """Run all jobs that wait to their end, in their order."""
    for run in runs(load(stage)):
        stage.complete(stage.load_spec(run.job))


def test_a_queue_that_is_gone_is_a_reason_to_skip(stage: Stage) -> None:
    """Its jobs would wait for ever, unseen; once it is back the schedule goes on."""
    stage.run(add_queue(stage.broker, "gpu"))
    add_due(stage, job={"queue": "gpu"})
    stage.run(remove_queue(stage.broker, "gpu"))
    tick(stage)
    assert ([one.reason for one in skips(load(stage))], count_jobs(stage)) == (["no queue"], 0)
    stage.run(add_queue(stage.broker, "gpu"))
    make_due(stage)
    tick(stage)
    assert (len(runs(load(stage))), count_jobs(stage)) == (1, 1)


def test_a_job_that_cannot_be_made_is_a_reason_to_skip(stage: Stage) -> None:
    """A template that passed the checks of another release does not come back for ever."""
    schedule = add_due(stage)
    template = msgspec.structs.replace(schedule.definition.template, work=Shell(()))
    definition = msgspec.structs.replace(schedule.definition, template=template)
    found = stage.run(load_schedule(stage.broker, "nightly"))
    assert found is not None
    changed = msgspec.structs.replace(schedule, definition=definition)
    stage.run(write_schedule(stage.broker, changed, expected=found.sequence))
    tick(stage)
    assert [one.reason for one in skips(load(stage))] == ["rejected: there is no command"]
    assert (load(stage).starting, count_jobs(stage)) == ((), 0)


class Forgetful(Meddler):
    """A link that loses the answer to the first request on such a subject."""

    def post(self, subject: str, *args: Any, **kwargs: Any) -> Awaitable[Message]:
        """Send a request; whoever waits for the answer learns that there is none."""
        answer = self._link.post(subject, *args, **kwargs)
        if not subject.startswith(self._subject) or not self._actions:
            return answer
        self._actions.pop()

        async def lose() -> Message:
            await answer
            raise Unknown(subject)

        return lose()


@pytest.mark.parametrize("step", ["schedule.", "job.", "timer.schedule."])
def test_an_answer_that_is_lost_changes_nothing(stage: Stage, step: str) -> None:
    """What was stored is found to be ours; what can't be known is repeated."""
    add_due(stage)
    link = Forgetful(stage.link, f"{stage.names.namespace}.{step}", [lambda: None])
    with suppress(Unknown):
        tick(stage, Broker(link, stage.names))
    tick(stage)
    after = load(stage)
    assert (len(runs(after)), after.starting, after.runs, count_jobs(stage)) == (1, (), 1, 1)
    last = stage.run(stream_state(stage.link, stage.names.schedules))["last_seq"]
    assert last == 4, "added, shifted, decided, noted: nothing was written twice"


def test_one_agent_sweeps_for_all(stage: Stage) -> None:
    """The others see its mark."""
    agents = [Schedules(stage.broker) for _ in range(3)]
    assert [stage.run(one._is_our_turn()) for one in agents] == [True, False, False]  # noqa: SLF001


def test_of_two_agents_that_see_no_mark_one_sweeps(stage: Stage) -> None:
    """The mark is written by compare-and-set."""
    first, second = Schedules(stage.broker), Schedules(stage.broker)
    turns = []
    broker = stage.meddle(stage.names.swept, lambda: turns.append(stage.run(first._is_our_turn())))  # noqa: SLF001
    second = Schedules(broker)
    turns.append(stage.run(second._is_our_turn()))  # noqa: SLF001
    assert turns == [True, False]


@pytest.mark.parametrize("moment", [None, timedelta(days=30), -timedelta(days=1)])
def test_a_sweep_sets_the_timer_that_is_needed(stage: Stage, moment: timedelta | None) -> None:
    """Whether there is none, or one of another time."""
    from tqcli.jetstream.timers import set_schedule_timer  # noqa: PLC0415

    add(stage, HOURLY)
    right = stage.run(read_timers(stage.broker))
    stage.run(call(stage.link, f"STREAM.PURGE.{stage.names.timers}"))
    if moment is not None and moment > timedelta(0):
        stage.run(set_schedule_timer(stage.broker, "nightly", at=datetime.now(UTC) + moment))
    sweep(stage)
    assert stage.run(read_timers(stage.broker)) == right
