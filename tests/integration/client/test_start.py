"""Letting jobs go before their time, without an agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.unit.core.examples import vary
from tqcli.client.once import submit_once
from tqcli.client.start import start
from tqcli.core.codec import encode_spec
from tqcli.core.ids import JobId, make_group_id
from tqcli.core.outcome import Exited
from tqcli.core.state import State
from tqcli.errors import Conflict, NotFound
from tqcli.jetstream.lookup import count_messages
from tqcli.jetstream.timers import set_timer

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tqcli.core.spec import Spec

FAR = timedelta(days=30)


def later() -> datetime:
    """Return a time that does not come during a test."""
    return datetime.now(UTC) + FAR


def move(stage: Stage, *specs: Spec) -> None:
    """Have jobs wait in timers, as an agent does that gets them early."""
    for spec in specs:
        where = stage.take(spec)
        at = spec.not_before or later()
        stage.run(set_timer(stage.broker, spec.group, spec.index, encode_spec(spec), at=at))
        stage.settle(where)


def count(stage: Stage) -> tuple[int, int]:
    """Return how many messages are in queues, and how many in timers."""
    names = stage.names
    jobs, timers = (stage.run(count_messages(stage.link, stream, ">")) for stream in (names.jobs, names.timers))
    return jobs, timers


@pytest.mark.parametrize("moved", [False, True])
def test_started_job_is_in_its_queue(stage: Stage, *, moved: bool) -> None:
    """Wherever it waited, it waits there no more, and an agent that gets it runs it."""
    spec = stage.submit(not_before=later())
    if moved:
        move(stage, spec)
    assert stage.run(start(stage.broker, spec.id)).was is State.SCHEDULED
    assert count(stage) == (1, 0)
    job = stage.load_job(spec.id)
    assert (job.state, job.not_before) == (State.QUEUED, None)
    with pytest.raises(Conflict, match="is queued already"):
        stage.run(start(stage.broker, spec.id))


def test_start_that_broke_off_is_completed_by_the_next(stage: Stage) -> None:
    """The record was written, the message was not."""
    spec = stage.submit(retries=1)
    where = stage.take(spec)
    stage.start(spec)
    stage.wait_for_retry(spec, Exited(1))
    stage.settle(where)
    stage.give_back(spec)
    assert stage.load_job(spec.id).state is State.QUEUED
    stage.run(start(stage.broker, spec.id))
    assert count(stage) == (1, 0)


def test_started_retry_is_queued(stage: Stage) -> None:
    """Its attempts stay counted."""
    spec = stage.submit(retries=1)
    where = stage.take(spec)
    stage.start(spec)
    stage.wait_for_retry(spec, Exited(1))
    stage.settle(where)
    assert stage.run(start(stage.broker, spec.id)).was is State.RETRYING
    job = stage.load_job(spec.id)
    assert (job.state, job.attempt, job.retry_at) == (State.QUEUED, 1, None)
    assert count(stage) == (1, 0)


def test_started_job_of_a_key_is_queued(stage: Stage) -> None:
    """Its reservation says so, too."""
    now = datetime.now(UTC)
    spec = vary(group=make_group_id(now, 5), submitted_at=now, not_before=later())
    stage.run(submit_once(stage.broker, [spec]))
    assert stage.load_job(spec.id).state is State.SCHEDULED
    stage.run(start(stage.broker, spec.id))
    assert stage.load_job(spec.id).state is State.QUEUED


def test_job_that_does_not_wait_is_a_conflict(stage: Stage) -> None:
    """The message says what it does."""
    queued, running, ended = stage.submit(), stage.submit(), stage.submit()
    stage.start(running, agent="host-b")
    stage.finish(ended)
    for spec, says in ((queued, "is queued already"), (running, "is running already, on host-b"), (ended, "succeeded")):
        with pytest.raises(Conflict, match=says):
            stage.run(start(stage.broker, spec.id))


def test_unknown_job_is_not_found(stage: Stage) -> None:
    """Nothing is written for it."""
    with pytest.raises(NotFound):
        stage.run(start(stage.broker, JobId("1xkbbg0000000000")))


def test_all_waiting_jobs_of_a_group_are_started(stage: Stage) -> None:
    """In the queue, in a timer, fired, or waiting for a retry; what ended or runs is left alone."""
    specs = stage.submit_group(range(6), not_before=later())
    for spec in specs[:5]:
        move(stage, spec)
    ended, retrying, running, fired, *_ = specs
    stage.start(ended)
    stage.finish(ended)
    stage.start(retrying)
    stage.wait_for_retry(retrying, Exited(1))
    stage.start(running)
    stage.put(stage.names.firing(fired.group, fired.index), encode_spec(fired))
    done = stage.run(start(stage.broker, JobId(specs[0].group)))
    # The one that fired is still in its timer here as well: two messages, one job.
    assert done.count >= 4
    assert stage.load_job(retrying.id).state is State.QUEUED
    assert stage.load_job(running.id).state is State.RUNNING
    assert {stage.load_job(one.id).state for one in specs[3:]} == {State.QUEUED}
    with pytest.raises(Conflict, match="no job of group"):
        stage.run(start(stage.broker, JobId(specs[0].group)))
