"""Schedules with real agents: their planned times become jobs, once each, whatever happens to agents and timers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.support.eventually import eventually
from tests.support.schedules import HOURLY, add, add_at, load, runs, shift, skips
from tqcli.client.schedules import pause_schedule, read_runs, remove_schedule, resume_schedule, run_schedule
from tqcli.core.ids import JobId
from tqcli.core.schedules.rule import EveryRule
from tqcli.core.schedules.schedule import Run
from tqcli.core.state import State
from tqcli.jetstream.api import call
from tqcli.jetstream.schedules import read_timers
from tqcli.jetstream.timers import ENDED
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.agent.conftest import StartAgent
    from tests.support.stage import Stage

SLOW_S = 20.0


def wait_for_runs(stage: Stage, count: int) -> list[Run]:
    """Return the runs once there are so many, all of them ended."""

    def ended() -> list[Run]:
        found = [one for one in stage.run(read_runs(stage.broker, load(stage))) if isinstance(one, Run)]
        return found if len(found) >= count and all(one.state and one.state.final for one in found[:count]) else []

    return eventually(ended, SLOW_S)


def fire(stage: Stage, body: bytes = b"") -> None:
    """Fire the schedule's timer."""
    stage.put(stage.names.schedule_firing("nightly"), body)


def job_of(stage: Stage, run: Run) -> State:
    """Return the state of a run's job."""
    return stage.load_job(JobId(run.job)).state


def make_ticking(tmp_path: Path) -> tuple[str, ...]:
    """Return a command that writes down its planned time when it starts, and ends when the file `go` is there."""
    script = f'echo "$TQ_SCHEDULED_AT" >> {tmp_path}/log; while ! [ -e {tmp_path}/go ]; do sleep 0.05; done'
    return ("sh", "-c", script)


def read_log(tmp_path: Path) -> list[str]:
    """Return what those commands wrote."""
    log = tmp_path / "log"
    return log.read_text().splitlines() if log.exists() else []


def test_a_schedule_runs_at_its_planned_times(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """Each planned time is one job, which sees the schedule's name and the planned time, and starts at it or after."""
    start_agent()
    script = f'echo "$TQ_SCHEDULE $TQ_SCHEDULED_AT" >> {tmp_path}/log'
    schedule = add(stage, argv=("sh", "-c", script), max_runs=3, overlap="allow")
    done = wait_for_runs(stage, 3)
    assert isinstance(schedule.definition.rule, EveryRule)
    start = schedule.definition.rule.start
    assert [one.planned for one in done] == [start + timedelta(seconds=number) for number in (1, 2, 3)]
    assert all(one.started_at and one.started_at >= one.planned for one in done)
    assert sorted(read_log(tmp_path)) == [f"nightly {one.planned.isoformat()[:-6]}Z" for one in done]
    eventually(lambda: not stage.run(read_timers(stage.broker)), SLOW_S)
    assert stage.load_job(JobId(done[0].job)).name == "nightly"


def test_a_firing_seen_twice_by_two_agents_is_one_job(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """However often and by whomever a planned time is looked at, it runs once."""
    (tmp_path / "go").touch()
    add_at(stage, 1, argv=make_ticking(tmp_path))
    start_agent()
    start_agent()
    for _ in range(20):
        fire(stage)
    wait_for_runs(stage, 1)
    for _ in range(20):
        fire(stage)
    eventually(lambda: not stage.run(read_timers(stage.broker)), SLOW_S)
    assert len(read_log(tmp_path)) == 1
    assert len(runs(load(stage))) == 1


def test_skip_leaves_out_what_comes_while_a_run_goes_on(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """Two runs never go on at once, and the history says what was left out."""
    start_agent()
    add(stage, argv=make_ticking(tmp_path))
    eventually(lambda: sum(one.count for one in skips(load(stage))) >= 2, SLOW_S)
    assert len(read_log(tmp_path)) == 1
    assert {one.reason for one in skips(load(stage))} == {"overlap"}
    (tmp_path / "go").touch()
    eventually(lambda: len(read_log(tmp_path)) >= 2, SLOW_S)


def test_queue_runs_one_after_the_other_as_soon_as_it_can(
    stage: Stage, start_agent: StartAgent, tmp_path: Path
) -> None:
    """What comes while a run goes on waits for its end; then it runs at once, without a timer."""
    start_agent()
    add(stage, argv=make_ticking(tmp_path), overlap="queue", max_runs=3)
    eventually(lambda: len(load(stage).waiting) == 2, SLOW_S)
    assert len(read_log(tmp_path)) == 1
    (tmp_path / "go").touch()
    done = wait_for_runs(stage, 3)
    assert all(
        after.started_at and before.finished_at and after.started_at >= before.finished_at
        for before, after in pairwise(done)
    )
    assert [one.planned for one in done] == sorted({one.planned for one in done})


def test_replace_cancels_the_run_before(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """The newest planned time is the one that runs."""
    start_agent(slots=4)
    add(stage, argv=make_ticking(tmp_path), overlap="replace", max_runs=3)
    eventually(lambda: len(read_log(tmp_path)) == 3, SLOW_S)
    first, second, last = eventually(lambda: len(found := runs(load(stage))) == 3 and found, SLOW_S) or []
    eventually(lambda: job_of(stage, first) is job_of(stage, second) is State.CANCELLED, SLOW_S)
    assert not job_of(stage, last).final
    (tmp_path / "go").touch()
    eventually(lambda: job_of(stage, last) is State.SUCCEEDED, SLOW_S)


def test_allow_lets_runs_go_on_together(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """No planned time waits for another."""
    start_agent(slots=3)
    add(stage, argv=make_ticking(tmp_path), overlap="allow", max_runs=3)
    eventually(lambda: len(read_log(tmp_path)) == 3, SLOW_S)
    eventually(lambda: [job_of(stage, one) for one in runs(load(stage))] == 3 * [State.RUNNING], SLOW_S)
    (tmp_path / "go").touch()


def test_what_was_missed_is_made_up_for(stage: Stage, start_agent: StartAgent) -> None:
    """Nobody was there for hours: the rule says how much of that still runs, and the history what was skipped."""
    rule = EveryRule(every=timedelta(hours=1), start=datetime.now(UTC))
    add(stage, rule, catch_up="all:2")
    # 5 whole hours, and half of one: no planned time is near now.
    schedule = shift(stage, timedelta(hours=5, minutes=30))
    fire(stage)
    start_agent()
    first, second = wait_for_runs(stage, 2)
    assert isinstance(schedule.definition.rule, EveryRule)
    planned = [schedule.definition.rule.start + timedelta(hours=number) for number in range(1, 6)]
    assert [(one.planned, one.missed) for one in (first, second)] == [(planned[3], True), (planned[4], True)]
    assert first.finished_at, "with overlap `skip`, one after the other"
    assert second.started_at
    assert first.finished_at <= second.started_at
    (skipped,) = skips(load(stage))
    assert (skipped.first, skipped.last, skipped.count, skipped.reason) == (planned[0], planned[2], 3, "missed")


def test_a_timer_that_is_gone_is_set_again(stage: Stage, start_agent: StartAgent) -> None:
    """A sweep finds what no firing will bring back."""
    add(stage, HOURLY)
    (moment,) = stage.run(read_timers(stage.broker)).values()
    stage.run(call(stage.link, f"STREAM.PURGE.{stage.names.timers}"))
    start_agent()
    assert eventually(lambda: stage.run(read_timers(stage.broker)), SLOW_S) == {"nightly": moment}


def test_pause_and_resume(stage: Stage, start_agent: StartAgent) -> None:
    """A paused schedule starts nothing but what a user runs; what the pause skipped is in the history."""
    start_agent()
    add(stage, max_runs=100)
    wait_for_runs(stage, 1)
    stage.run(pause_schedule(stage.broker, "nightly", note="holidays"))
    before = len(runs(load(stage)))
    by_hand = stage.run(run_schedule(stage.broker, "nightly"))
    assert stage.run(read_timers(stage.broker)).get("nightly", "") == ""
    eventually(lambda: stage.load_job(by_hand).state.final, SLOW_S)
    fire(stage)
    eventually(lambda: not stage.run(read_timers(stage.broker)), SLOW_S)
    assert [one.kind for one in runs(load(stage))][before:] == ["manual"]
    eventually(lambda: datetime.now(UTC) - load(stage).cursor > timedelta(seconds=2), SLOW_S)
    stage.run(resume_schedule(stage.broker, "nightly"))
    assert [one.reason for one in skips(load(stage))] == ["paused"]
    wait_for_runs(stage, before + 2)


def test_a_removed_schedule_starts_nothing_more(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """Its run goes on to its end; a firing that comes late finds nothing."""
    start_agent()
    add(stage, argv=make_ticking(tmp_path), overlap="queue")
    eventually(lambda: load(stage).waiting, SLOW_S)
    (run,) = runs(load(stage))
    stage.run(remove_schedule(stage.broker, "nightly"))
    (tmp_path / "go").touch()
    eventually(lambda: job_of(stage, run) is State.SUCCEEDED, SLOW_S)
    fire(stage)
    eventually(lambda: not stage.run(read_timers(stage.broker)), SLOW_S)
    assert len(read_log(tmp_path)) == 1


def test_a_changed_schedule_goes_on_as_changed(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """The old run goes on; what follows is the new definition's."""
    start_agent()
    add(stage, argv=make_ticking(tmp_path), max_runs=1)
    eventually(lambda: read_log(tmp_path), SLOW_S)
    changed = add(stage, argv=("sh", "-c", f"echo new >> {tmp_path}/new"), overlap="allow", replace=True)
    assert changed.revision == 2
    eventually((tmp_path / "new").exists, SLOW_S)
    (first, *_) = runs(load(stage))
    assert not job_of(stage, first).final
    (tmp_path / "go").touch()
    eventually(lambda: job_of(stage, first) is State.SUCCEEDED, SLOW_S)


def test_a_snapshot_that_cannot_be_read_is_left_alone(stage: Stage, start_agent: StartAgent) -> None:
    """Its firing is settled, so that it does not come back for ever; the agent's log says what is wrong."""
    agent = start_agent()
    stage.put(stage.names.schedule("nightly"), b'{"v": 1}')
    fire(stage)
    eventually(lambda: not stage.run(read_timers(stage.broker)), SLOW_S)
    assert "schedule 'nightly': the schedule can't be read" in agent.log.read_text()


def test_whatever_is_published_as_a_firing_does_no_harm(stage: Stage, start_agent: StartAgent) -> None:
    """It is looked at and settled, also under a name that no schedule can have."""
    start_agent()
    for body in (b"", b"\xff", b"2026-13-01T00:00:00Z", b"2026-01-01T00:00:00", ENDED):
        for name in ("nightly", "*", "A_B"):
            stage.put(stage.names.schedule_firing(name), body)
    eventually(lambda: stage.run(stream_state(stage.link, stage.names.timers))["messages"] == 0, SLOW_S)
