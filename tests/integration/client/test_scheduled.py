"""Jobs that wait for their time, as users see them, without an agent."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.integration.client.test_start import count, later, move
from tests.support.server import NatsServer
from tests.support.stage import Stage
from tqcli.client.cancel import cancel
from tqcli.client.expire import end_late
from tqcli.client.listing import Filters, list_jobs
from tqcli.client.overview import load_overview
from tqcli.client.query import Group, count_unrecorded, find, resolve
from tqcli.client.retry import retry
from tqcli.client.watch import LOOKS_UNTIL_MISSING, GroupWatch, JobWatch, open_watch
from tqcli.core.codec import encode_spec
from tqcli.core.ids import JobId
from tqcli.core.state import State
from tqcli.errors import Conflict, Forbidden
from tqcli.jetstream.timers import set_timer

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = secrets.token_hex(8)
PLAIN_SUBMITTER = f"""
authorization {{ users = [
    {{ user: "ann", password: "{PASSWORD}" }}
    {{ user: "eve", password: "{PASSWORD}"
       permissions: {{ publish: {{ deny: ["tq.timer.>", "$JS.API.STREAM.PURGE.TQ_TIMERS"] }} }} }}
] }}
"""


def load_group(stage: Stage, group: str) -> Group:
    """Return the group."""
    found = stage.run(resolve(stage.broker, JobId(group)))
    assert isinstance(found, Group)
    return found


def list_in(stage: Stage, *states: State, queue: str | None = None) -> list[str]:
    """Return the ids of the jobs in these states."""
    filters = Filters(states=frozenset(states) or None, queue=queue)
    jobs = stage.collect(list_jobs(stage.broker, filters, limit=None, on_note=print))
    return [job.id for job in jobs]


@pytest.mark.parametrize("moved", [False, True])
def test_job_is_scheduled_wherever_it_is_shown(stage: Stage, *, moved: bool) -> None:
    """Before an agent has moved it to a timer and after that."""
    spec, other = stage.submit(not_before=later()), stage.submit()
    if moved:
        move(stage, spec)
    job = stage.load_job(spec.id)
    assert (job.state, job.not_before) == (State.SCHEDULED, spec.not_before)
    assert list_in(stage, State.SCHEDULED) == [str(spec.id)]
    assert list_in(stage, State.QUEUED) == [str(other.id)]
    assert list_in(stage) == [str(other.id), str(spec.id)]
    assert list_in(stage, State.SCHEDULED, queue="other") == []
    assert stage.run(load_overview(stage.broker)).waiting == (1 if moved else 0)


def test_fired_job_is_queued_until_somebody_moves_it(stage: Stage) -> None:
    """Its time has come, and no agent is there."""
    spec = stage.submit(not_before=datetime.now(UTC) - timedelta(seconds=1), queue="unserved")
    stage.run(cancel(stage.broker, spec.id))
    fired = stage._specs([0], None, timedelta(0), {"not_before": datetime.now(UTC)})[0]  # noqa: SLF001
    stage.put(stage.names.firing(fired.group, 0), encode_spec(fired))
    assert stage.load_job(fired.id).state is State.QUEUED
    assert list_in(stage, State.QUEUED) == [str(fired.id)]


def test_job_that_moves_between_the_reads_is_found(stage: Stage) -> None:
    """From its queue to a timer and back, twice, always to where nobody looks just then."""
    spec = stage.submit(not_before=later())

    def to_timer() -> None:
        stage.run(set_timer(stage.broker, spec.group, 0, encode_spec(spec), at=later()))
        stage.put(f"$JS.API.STREAM.PURGE.{stage.names.jobs}", b"")

    def to_queue() -> None:
        stage.put(stage.names.job("default", "normal", spec.group, 0), encode_spec(spec))
        stage.put(f"$JS.API.STREAM.PURGE.{stage.names.timers}", b"")

    def stay() -> None:
        pass

    # The record, the queue, the timer, the firing; then the leaders: the queue, the timer, the firing, the queue.
    broker = stage.meddle("$JS.API.", stay, to_timer, to_queue, stay, to_timer, to_queue)
    assert stage.run(find(broker, spec.id)).spec == spec


def test_group_counts_those_that_wait_for_their_time(stage: Stage) -> None:
    """In the queue and in timers; none is missing."""
    specs = stage.submit_group(range(1, 6), not_before=later())
    assert load_group(stage, specs[0].group).counts == {State.SCHEDULED: 5}
    move(stage, *specs[:3])
    group = load_group(stage, specs[0].group)
    assert (group.counts, group.missing, group.state) == ({State.SCHEDULED: 5}, 0, State.SCHEDULED)
    assert stage.run(count_unrecorded(stage.broker, specs[0].group)) == 5
    stage.start(specs[0])
    stage.finish(specs[0])
    assert load_group(stage, specs[0].group).counts == {State.SCHEDULED: 4, State.SUCCEEDED: 1}


def test_whoever_waits_finds_no_job_missing(stage: Stage) -> None:
    """However often they look."""
    specs = stage.submit_group(range(2), not_before=later())
    single = stage.submit(not_before=later())
    move(stage, *specs, single)
    group = stage.run(open_watch(stage.broker, JobId(specs[0].group)))
    job = stage.run(open_watch(stage.broker, single.id))
    assert isinstance(group, GroupWatch)
    assert isinstance(job, JobWatch)
    for _ in range(LOOKS_UNTIL_MISSING + 1):
        stage.run(group.check())
        stage.run(job.check())
    assert (group.missing, group.is_over, group.counts) == (0, False, {State.SCHEDULED: 2})
    assert job.job.state is State.SCHEDULED


@pytest.mark.parametrize("moved", [False, True])
def test_cancelled_job_and_its_timer_are_gone(stage: Stage, *, moved: bool) -> None:
    """Nothing fires a month later, when nobody remembers that it was cancelled."""
    spec = stage.submit(not_before=later())
    if moved:
        move(stage, spec)
    assert stage.run(cancel(stage.broker, spec.id)).was is State.SCHEDULED
    assert count(stage) == (0, 0)
    assert stage.load_job(spec.id).state is State.CANCELLED


def test_cancelled_group_leaves_no_timer(stage: Stage) -> None:
    """Wherever its jobs waited."""
    specs = stage.submit_group(range(6), not_before=later())
    move(stage, *specs[:4])
    stage.put(stage.names.firing(specs[4].group, specs[4].index), encode_spec(specs[4]))
    done = stage.run(cancel(stage.broker, JobId(specs[0].group)))
    assert (done.count, done.ended) == (6, 0)
    assert count(stage) == (0, 0)
    assert load_group(stage, specs[0].group).counts == {State.CANCELLED: 6}
    with pytest.raises(Conflict, match="all 6 jobs"):
        stage.run(cancel(stage.broker, JobId(specs[0].group)))


def test_late_jobs_end_where_they_wait(stage: Stage) -> None:
    """They fired while no agent was there, and nobody came until it was too late."""
    past = datetime.now(UTC) - timedelta(hours=1)
    specs = stage.submit_group(range(2), not_before=past - timedelta(hours=1), expires_at=past)
    move(stage, *specs)
    assert load_group(stage, specs[0].group).counts == {State.EXPIRED: 2}
    assert stage.run(end_late(stage.broker, JobId(specs[0].group)))
    assert {stage.read(spec)[0].state for spec in specs} == {State.EXPIRED}
    assert count(stage) == (0, 0)


def test_retried_job_waits_no_more(stage: Stage) -> None:
    """Whoever wants it again wants it now."""
    spec = stage.submit(not_before=later())
    stage.run(cancel(stage.broker, spec.id))
    again = stage.run(retry(stage.broker, spec.id))
    job = stage.load_job(again.id)
    assert (job.state, job.not_before) == (State.QUEUED, None)


@pytest.fixture
def two_users() -> Iterator[tuple[Stage, Stage]]:
    """Give the stages of one who may do everything, and of one without rights on the timers' stream."""
    with NatsServer(user="ann", password=PASSWORD, config=PLAIN_SUBMITTER) as server:
        ann = Stage(server.endpoint, "tq")
        ann.open("default")
        server.user = "eve"
        eve = Stage(server.endpoint, "tq")
        yield ann, eve
        ann.close()
        eve.close()


def test_plain_submitter_needs_no_rights_on_timers(two_users: tuple[Stage, Stage]) -> None:
    """To submit, look, and end what is due soon; a timer that outlives its record is told of."""
    ann, eve = two_users
    near = eve.submit(not_before=datetime.now(UTC) + timedelta(hours=1))
    far = eve.submit(not_before=later())
    group = eve.submit_group(range(2), not_before=later())
    move(ann, near, far, *group)
    assert eve.load_job(far.id).state is State.SCHEDULED
    assert eve.run(cancel(eve.broker, near.id)).count == 1
    for job in (far.id, JobId(group[0].group)):
        with pytest.raises(Forbidden, match="is cancelled, but its timer is still there"):
            eve.run(cancel(eve.broker, job))
    assert eve.load_job(far.id).state is State.CANCELLED
    with pytest.raises(Conflict):
        ann.run(cancel(ann.broker, far.id))
    assert ann.run(find(ann.broker, far.id)).record is not None
