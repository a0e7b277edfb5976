"""Jobs that wait for their time, in the hands of real agents."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.support.agents import AgentProcess, read_record, wait_until_final
from tests.support.eventually import eventually
from tests.unit.core.examples import vary
from tqcli.agent.attempt import Attempt
from tqcli.agent.desk import Desk
from tqcli.client.cancel import cancel
from tqcli.client.once import submit_once
from tqcli.client.queues import limit_queue
from tqcli.client.start import start
from tqcli.core.codec import encode_spec
from tqcli.core.ids import JobId, make_group_id
from tqcli.core.spec import Shell
from tqcli.core.state import State
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.clock import BrokerClock
from tqcli.jetstream.connection import connect
from tqcli.jetstream.enqueue import Item, enqueue
from tqcli.jetstream.lookup import count_messages
from tqcli.jetstream.pull import Delivery

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.agent.conftest import StartAgent
    from tests.support.stage import Stage

WRONG_CLOCK = "tests.integration.agent.wrong_clock"


def soon(seconds: float) -> datetime:
    """Return the moment so many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def count(stage: Stage, stream: str) -> int:
    """Return how many messages a stream holds."""
    return stage.run(count_messages(stage.link, stream, ">"))


def wait_until_moved(stage: Stage, jobs: int = 1) -> None:
    """Return when so many jobs are in timers and no queue holds one."""
    eventually(lambda: (count(stage, stage.names.timers), count(stage, stage.names.jobs)) == (jobs, 0), 20)


def test_each_of_many_jobs_runs_once_and_none_early(stage: Stage, start_agent: StartAgent) -> None:
    """Whichever agent had it first, and whichever has it then."""
    for _ in range(2):
        start_agent(slots=4)
    times = [soon(2 + number % 30 / 10) for number in range(300)]
    specs = [stage.submit(not_before=moment) for moment in times]
    records = [wait_until_final(stage, spec, 60) for spec in specs]
    assert {(one.state, one.attempt, one.losses) for one in records} == {(State.SUCCEEDED, 1, 0)}
    early = [one for one, moment in zip(records, times, strict=True) if one.started_at and one.started_at < moment]
    assert early == []
    eventually(lambda: count(stage, stage.names.timers) == 0, 10)


def test_job_that_waits_holds_no_slot(stage: Stage, start_agent: StartAgent) -> None:
    """The one slot there is runs another job meanwhile, and nothing is written of the one that waits."""
    start_agent(slots=1)
    later = stage.submit(not_before=soon(3_600))
    wait_until_final(stage, stage.submit())
    wait_until_moved(stage)
    assert read_record(stage, later) is None


def test_job_that_waits_holds_no_ticket(stage: Stage, start_agent: StartAgent) -> None:
    """In a queue with a limit, others run."""
    stage.run(limit_queue(stage.broker, "default", 1))
    start_agent(slots=2)
    for _ in range(3):
        stage.submit(not_before=soon(3_600))
    wait_until_final(stage, stage.submit())
    wait_until_moved(stage, 3)


def test_moment_that_has_passed_is_now(stage: Stage, start_agent: StartAgent) -> None:
    """It goes without a detour."""
    start_agent()
    assert wait_until_final(stage, stage.submit(not_before=soon(-1))).state is State.SUCCEEDED


def test_second_message_of_a_job_is_no_second_job(stage: Stage, start_agent: StartAgent) -> None:
    """An agent died between the timer and the ack: the job is in a timer, and comes back to its queue as well."""
    start_agent()
    spec = stage.submit(not_before=soon(1), work=Shell(("sleep", "1")))
    wait_until_moved(stage)
    item = Item(stage.names.job("default", "normal", spec.group, 0), f"{spec.group}-again", encode_spec(spec))
    stage.run(enqueue(stage.broker, item, recheck=True))
    record = wait_until_final(stage, spec)
    eventually(lambda: count(stage, stage.names.timers) + count(stage, stage.names.jobs) == 0, 30)
    after = read_record(stage, spec)
    assert (record.state, record.attempt, record.losses) == (State.SUCCEEDED, 1, 0)
    assert after == record


def test_job_cancelled_while_it_waits_never_runs(stage: Stage, start_agent: StartAgent) -> None:
    """Its timer is gone, so nothing comes."""
    start_agent()
    spec = stage.submit(not_before=soon(2))
    wait_until_moved(stage)
    stage.run(cancel(stage.broker, spec.id))
    other = stage.submit(not_before=soon(2.5))
    wait_until_final(stage, other)
    assert (read_record(stage, spec) or pytest.fail("no record")).attempt == 0
    assert count(stage, stage.names.timers) == 0


def test_cancel_during_the_move_leaves_no_far_timer(stage: Stage) -> None:
    """The record is final before the timer is set: when it fired, the record might be forgotten."""
    spec = stage.submit(not_before=soon(200_000))
    stage.run(cancel(stage.broker, spec.id))
    subject = stage.names.job("default", "normal", spec.group, 0)
    held = Delivery(subject, f"{stage.names.namespace}.nobody", encode_spec(spec), 1, 1, recheck=False)

    async def move() -> None:
        link = await connect(stage.endpoint)
        broker, none = Broker(link, stage.names), cast("Any", None)  # it runs, prints and records nothing
        desk = Desk("a", broker, none, none, none, environment={}, clock=BrokerClock(link, stage.names.timers))
        await Attempt(desk, held, lambda: None).perform()
        await link.close()

    asyncio.run(move())
    assert count(stage, stage.names.timers) == 0


def test_started_job_goes_at_once(stage: Stage, start_agent: StartAgent) -> None:
    """Nothing of it waits any longer."""
    start_agent()
    spec = stage.submit(not_before=soon(3_600))
    wait_until_moved(stage)
    done = stage.run(start(stage.broker, spec.id))
    assert (done.count, done.was) == (1, State.SCHEDULED)
    assert wait_until_final(stage, spec).state is State.SUCCEEDED
    eventually(lambda: count(stage, stage.names.timers) + count(stage, stage.names.jobs) == 0, 10)


def test_started_group_goes_at_once(stage: Stage, start_agent: StartAgent) -> None:
    """All of it."""
    start_agent()
    specs = stage.submit_group(range(5), not_before=soon(3_600))
    wait_until_moved(stage, 5)
    assert stage.run(start(stage.broker, JobId(specs[0].group))).count == 5
    assert {wait_until_final(stage, spec).attempt for spec in specs} == {1}
    eventually(lambda: count(stage, stage.names.timers) + count(stage, stage.names.jobs) == 0, 10)


def test_retry_that_is_started_goes_at_once(stage: Stage, start_agent: StartAgent) -> None:
    """It counts as the attempt that was due."""
    start_agent()
    spec = stage.submit(work=Shell(("false",)), retries=1, backoff="fixed:1h")
    eventually(lambda: (one := read_record(stage, spec)) is not None and one.state is State.RETRYING, 20)
    eventually(lambda: count(stage, stage.names.timers) == 1, 10)
    assert stage.run(start(stage.broker, spec.id)).was is State.RETRYING
    record = wait_until_final(stage, spec)
    assert (record.state, record.attempt) == (State.FAILED, 2)
    eventually(lambda: count(stage, stage.names.timers) + count(stage, stage.names.jobs) == 0, 10)


def test_key_and_time_go_together(stage: Stage, start_agent: StartAgent) -> None:
    """The second try finds the job where it waits."""
    start_agent()
    now = datetime.now(UTC)
    spec = vary(group=make_group_id(now, 1), submitted_at=now, not_before=soon(2))
    assert stage.run(submit_once(stage.broker, [spec])) is None
    wait_until_moved(stage)
    assert stage.load_job(spec.id).state is State.SCHEDULED
    assert stage.run(submit_once(stage.broker, [spec])) is not None
    record = wait_until_final(stage, spec)
    assert (record.state, record.attempt) == (State.SUCCEEDED, 1)
    assert record.started_at is not None
    assert spec.not_before is not None
    assert record.started_at >= spec.not_before


@pytest.mark.parametrize("hours", [-1, 1])
def test_wrong_clock_of_an_agent_does_not_matter(stage: Stage, tmp_path: Path, hours: int) -> None:
    """Timers go by the broker's clock, and so does the agent: no job starts early, or an hour late."""
    with AgentProcess(stage, tmp_path, module=WRONG_CLOCK, env={"TEST_CLOCK_HOURS": str(hours)}):
        due = soon(2)
        later = stage.submit(not_before=due)
        retried = stage.submit(work=Shell(("false",)), retries=1, backoff="fixed:1s")
        record, other = wait_until_final(stage, later, 30), wait_until_final(stage, retried, 30)
    assert (record.state, record.attempt, other.attempt) == (State.SUCCEEDED, 1, 2)
    assert record.started_at is not None
    assert record.started_at - timedelta(hours=hours) >= due
    first, second = other.attempts
    assert second.started_at - first.started_at >= timedelta(seconds=1)


def test_retry_starts_when_it_is_due(stage: Stage, start_agent: StartAgent) -> None:
    """And not before: its timer fires early, and is held."""
    start_agent()
    spec = stage.submit(work=Shell(("false",)), retries=2, backoff="fixed:500ms")
    record = wait_until_final(stage, spec)
    first, second, third = record.attempts
    for one, other in ((first, second), (second, third)):
        assert other.started_at - one.started_at >= timedelta(milliseconds=500)
