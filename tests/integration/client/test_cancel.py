"""Cancelling a job or a group, in whatever state it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tqcli.client.cancel import cancel
from tqcli.client.query import resolve
from tqcli.core.codec import encode_spec
from tqcli.core.ids import JobId
from tqcli.core.job import Job
from tqcli.core.outcome import Exited
from tqcli.core.state import Reason, State
from tqcli.errors import Conflict, NotFound
from tqcli.jetstream.lookup import count_messages
from tqcli.jetstream.timers import set_timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stage import Stage
    from tqcli.client.query import Group


def listen(stage: Stage, work: Callable[[], Any]) -> list[str]:
    """Return the ends of the control subjects on which agents were told to stop a job, while `work` ran."""

    async def gather() -> list[str]:
        subscription = await stage.link.subscribe(stage.names.cancel("*", "*"))
        work()
        heard = []
        while (message := await subscription.next(0.2)) is not None:
            heard.append(message.subject.partition("cancel.")[2])
        await subscription.close()
        return heard

    return stage.run(gather())


def count_queued(stage: Stage) -> int:
    """Return the number of job messages that are left."""
    return stage.run(count_messages(stage.link, stage.names.jobs, ">"))


def load_group(stage: Stage, group: str) -> Group:
    """Return the group."""
    found = stage.run(resolve(stage.broker, JobId(group)))
    assert not isinstance(found, Job)
    return found


def test_queued_job_vanishes_and_has_its_record(stage: Stage) -> None:
    """Nobody can get it any more, and everybody can read how it ended."""
    spec = stage.submit()
    done = stage.run(cancel(stage.broker, spec.id))
    assert (done.id, done.count, done.was, done.agent) == (str(spec.id), 1, State.QUEUED, None)
    job = stage.load_job(spec.id)
    assert (job.state, job.started_at) == (State.CANCELLED, None)
    assert job.finished_at is not None
    assert count_queued(stage) == 0


def test_running_job_is_cancelled_and_its_agent_told(stage: Stage) -> None:
    """Its record ends first, so the agent has lost it whether it hears or not."""
    spec = stage.submit()
    stage.take(spec)
    stage.start(spec, agent="host-a")
    heard = listen(stage, lambda: stage.run(cancel(stage.broker, spec.id)))
    assert heard == [f"{spec.group}.0"]
    job = stage.load_job(spec.id)
    assert (job.state, job.agent, job.attempts[0].ended) == (State.CANCELLED, "host-a", "cancelled")


def test_cancel_says_where_the_job_was_running(stage: Stage) -> None:
    """The user wants to know that something was stopped."""
    spec = stage.submit()
    stage.start(spec, agent="host-b")
    done = stage.run(cancel(stage.broker, spec.id))
    assert (done.was, done.agent) == (State.RUNNING, "host-b")


def test_job_that_waits_for_its_retry_loses_its_timer(stage: Stage) -> None:
    """Nothing comes back an hour later."""
    spec = stage.submit()
    where = stage.take(spec)
    stage.start(spec)
    stage.wait_for_retry(spec, Exited(1))
    stage.settle(where)
    assert stage.run(count_messages(stage.link, stage.names.timers, ">")) == 1
    done = stage.run(cancel(stage.broker, spec.id))
    assert done.was is State.RETRYING
    assert stage.run(count_messages(stage.link, stage.names.timers, ">")) == 0


def test_ended_job_is_a_conflict_that_says_how_it_ended(stage: Stage) -> None:
    """It keeps its record."""
    spec = stage.submit()
    stage.complete(spec, Exited(3), reason=Reason.EXIT)
    with pytest.raises(Conflict, match="failed with exit code 3"):
        stage.run(cancel(stage.broker, spec.id))
    assert stage.load_job(spec.id).state is State.FAILED


def test_repeating_completes_a_cancel_that_broke_off(stage: Stage) -> None:
    """Its record was written, its message was not removed yet."""
    spec = stage.submit()
    stage.run(cancel(stage.broker, spec.id))
    stage.put(stage.names.job(spec.queue, spec.priority, spec.group, spec.index), b"{}")
    with pytest.raises(Conflict, match="cancelled"):
        stage.run(cancel(stage.broker, spec.id))
    assert count_queued(stage) == 0


def test_unknown_job_is_not_found(stage: Stage) -> None:
    """Nothing is written for it."""
    with pytest.raises(NotFound):
        stage.run(cancel(stage.broker, JobId("1xkbbg0000000000")))


def test_job_that_ends_meanwhile_keeps_its_end(stage: Stage) -> None:
    """The record of the agent came between our read and our write."""
    spec = stage.submit()
    stage.start(spec)
    broker = stage.meddle(stage.names.record(spec.group, 0), lambda: stage.finish(spec))
    with pytest.raises(Conflict, match="succeeded"):
        stage.run(cancel(broker, spec.id))


def test_job_that_starts_meanwhile_is_cancelled_all_the_same(stage: Stage) -> None:
    """Somebody else was first, but it has not ended."""
    spec = stage.submit()
    broker = stage.meddle(stage.names.record(spec.group, 0), lambda: stage.start(spec, agent="host-c"))
    done = stage.run(cancel(broker, spec.id))
    assert (done.was, done.agent) == (State.RUNNING, "host-c")


def test_group_is_cancelled_whatever_its_jobs_do(stage: Stage) -> None:
    """Queued, running and retrying ones; those that have ended keep their end."""
    specs = stage.submit_group(range(1, 6))
    stage.complete(specs[0])
    where = stage.take(specs[1])
    stage.start(specs[1])
    stage.wait_for_retry(specs[1], Exited(1))
    stage.settle(where)
    stage.take(specs[2])
    stage.start(specs[2])
    group = specs[0].group
    heard = listen(stage, lambda: stage.run(cancel(stage.broker, JobId(group))))
    assert load_group(stage, group).counts == {State.CANCELLED: 4, State.SUCCEEDED: 1}
    assert count_queued(stage) == 0
    assert stage.run(count_messages(stage.link, stage.names.timers, ">")) == 0
    assert f"{group}.3" in heard
    assert f"{group}.5" not in heard, "it was never delivered"


def test_cancelled_group_is_counted(stage: Stage) -> None:
    """Those that had ended apart."""
    specs = stage.submit_group(range(1, 6))
    stage.complete(specs[0])
    done = stage.run(cancel(stage.broker, JobId(specs[0].group)))
    assert (done.count, done.ended) == (4, 1)


def test_ended_group_is_a_conflict(stage: Stage) -> None:
    """There is nothing to cancel."""
    specs = stage.submit_group(range(2))
    for spec in specs:
        stage.complete(spec)
    with pytest.raises(Conflict, match="have ended"):
        stage.run(cancel(stage.broker, JobId(specs[0].group)))


def test_repeating_tells_the_agent_and_removes_the_timer_that_a_cancel_left(stage: Stage) -> None:
    """It broke off right after the record."""
    specs = [stage.submit(), *stage.submit_group(range(1, 2))]
    for spec in specs:
        stage.start(spec)
        stage.run(cancel(stage.broker, JobId(spec.group)))
        stage.run(set_timer(stage.broker, spec.group, spec.index, b"{}", at=datetime.now(UTC) + timedelta(hours=1)))

        def repeat(group: str = spec.group) -> None:
            with pytest.raises(Conflict):
                stage.run(cancel(stage.broker, JobId(group)))

        assert f"{spec.group}.{spec.index}" in listen(stage, repeat)
    assert stage.run(count_messages(stage.link, stage.names.timers, ">")) == 0


def test_job_that_comes_in_while_its_group_is_cancelled_is_not_lost(stage: Stage) -> None:
    """It is cancelled as well, or stays: its message never goes without a record."""
    first, *rest = stage.submit_group(range(1, 40))
    late = iter([msgspec.structs.replace(first, index=index) for index in range(40, 80)])

    def come_in() -> None:
        spec = next(late)
        stage.put(stage.names.job(spec.queue, spec.priority, spec.group, spec.index), encode_spec(spec))

    broker = stage.meddle("", *[come_in] * 40)
    done = stage.run(cancel(broker, JobId(first.group)))
    came = 80 - len(list(late)) - 1
    counts = load_group(stage, first.group).counts
    assert done.count == counts[State.CANCELLED] >= len(rest)
    assert counts[State.CANCELLED] + count_queued(stage) == came


def test_group_of_many_batches_is_cancelled_whole(stage: Stage) -> None:
    """A batch is 1,000 records; others' jobs stay."""
    specs = stage.submit_group(range(2_500))
    other = stage.submit()
    done = stage.run(cancel(stage.broker, JobId(specs[0].group)))
    assert done.count == 2_500
    assert load_group(stage, specs[0].group).counts == {State.CANCELLED: 2_500}
    assert count_queued(stage) == 1
    assert stage.load_job(other.id).state is State.QUEUED


def test_jobs_that_end_while_their_group_is_cancelled_keep_their_end(stage: Stage) -> None:
    """Their batch is rejected whole, twice; the others are cancelled all the same."""
    specs = stage.submit_group(range(50))
    records = stage.names.records_of(specs[0].group).removesuffix("*")
    broker = stage.meddle(records, lambda: stage.finish(specs[7]), lambda: stage.finish(specs[30]))
    done = stage.run(cancel(broker, JobId(specs[0].group)))
    assert (done.count, done.ended) == (48, 2)
    assert load_group(stage, specs[0].group).counts == {State.CANCELLED: 48, State.SUCCEEDED: 2}
