"""Jobs that are too late to start, where no agent is there to end them."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.support.server import NatsServer
from tests.support.stage import Stage
from tqcli.client.cancel import cancel
from tqcli.client.hints import LOOK_AGAIN_S
from tqcli.client.listing import Filters, list_jobs
from tqcli.client.query import Group, resolve
from tqcli.client.retry import retry
from tqcli.client.wait import wait_for
from tqcli.core.expiry import MARGIN
from tqcli.core.ids import JobId
from tqcli.core.outcome import Exited
from tqcli.core.state import State
from tqcli.errors import Conflict
from tqcli.jetstream.lookup import count_messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tqcli.core.job import Job
    from tqcli.core.spec import Spec

PASSED = timedelta(minutes=1)
PASSWORD = secrets.token_hex(8)
READER = f"""
authorization {{ users = [
    {{ user: "ann", password: "{PASSWORD}" }}
    {{ user: "eve", password: "{PASSWORD}"
       permissions: {{ publish: {{ deny: ["tq.record.>"] }} }} }}
] }}
"""


def past() -> datetime:
    """Return a moment that has passed."""
    return datetime.now(UTC) - PASSED


def count(stage: Stage, stream: str) -> int:
    """Return the number of messages in a stream."""
    return stage.run(count_messages(stage.link, stream, ">"))


def load(stage: Stage, spec: Spec) -> Job:
    """Return the job."""
    return stage.load_job(spec.id)


def list_in(stage: Stage, state: State) -> list[str]:
    """Return the ids of the jobs in this state."""
    filters = Filters(states=frozenset({state}))
    jobs = stage.collect(list_jobs(stage.broker, filters, limit=None, on_note=print))
    return sorted(job.id for job in jobs)


def test_late_job_is_expired_wherever_it_is_shown(stage: Stage) -> None:
    """With a record or without; and only that one."""
    queued, retrying, other = stage.submit(expires_at=past()), stage.submit(expires_at=past()), stage.submit()
    stage.start(retrying)
    stage.wait_for_retry(retrying, Exited(1))
    late = sorted(str(spec.id) for spec in (queued, retrying))
    assert {load(stage, spec).state for spec in (queued, retrying)} == {State.EXPIRED}
    assert list_in(stage, State.EXPIRED) == late
    assert list_in(stage, State.QUEUED) == [str(other.id)]
    assert list_in(stage, State.RETRYING) == []
    assert load(stage, queued).expires_at == queued.expires_at


def test_late_jobs_of_a_group_are_counted_as_expired(stage: Stage) -> None:
    """The others as they are."""
    specs = stage.submit_group(range(4), expires_at=past())
    stage.finish(specs[0])
    stage.start(specs[1])
    group = stage.run(resolve(stage.broker, JobId(specs[0].group)))
    assert isinstance(group, Group)
    # The message of the one that has ended is still there.
    assert group.state is State.RUNNING
    assert group.counts[State.EXPIRED] == 2


def test_wait_ends_a_late_job_for_good(stage: Stage) -> None:
    """Once its time has passed: then it has its record, and no agent can get it any more."""
    spec = stage.submit(expires_at=datetime.now(UTC) - MARGIN + timedelta(milliseconds=300))
    started = time.monotonic()
    (watch,) = stage.run(wait_for(stage.broker, [spec.id]))
    assert (watch.is_over, watch.exit_code) == (True, 124)
    assert time.monotonic() - started < LOOK_AGAIN_S / 2
    record, sequence = stage.read(spec)
    assert (record.state, sequence > 0) == (State.EXPIRED, True)
    assert record.finished_at is not None
    assert count(stage, stage.names.jobs) == 0


def test_wait_ends_what_waits_for_a_late_retry(stage: Stage) -> None:
    """Its timer goes, too."""
    spec = stage.submit(expires_at=past())
    where = stage.take(spec)
    stage.start(spec)
    stage.wait_for_retry(spec, Exited(1))
    stage.settle(where)
    (watch,) = stage.run(wait_for(stage.broker, [spec.id]))
    assert watch.exit_code == 124
    assert stage.read(spec)[0].state is State.EXPIRED
    assert count(stage, stage.names.timers) == 0


def test_wait_leaves_what_runs_of_a_group(stage: Stage) -> None:
    """Its message is its lease."""
    specs = stage.submit_group(range(3), expires_at=past())
    stage.start(specs[1])
    (watch,) = stage.run(wait_for(stage.broker, [JobId(specs[0].group)], within=timedelta(milliseconds=300)))
    assert not watch.is_over
    states = [stage.read(spec)[0].state for spec in specs]
    assert states == [State.EXPIRED, State.RUNNING, State.EXPIRED]
    assert count(stage, stage.names.jobs) == 1
    stage.finish(specs[1])
    (watch,) = stage.run(wait_for(stage.broker, [JobId(specs[0].group)]))
    assert watch.exit_code == 124
    assert (watch.tally.ended, watch.tally.unsuccessful) == (3, 2)


def test_several_are_waited_for(stage: Stage) -> None:
    """Each ends as it is."""
    late, done = stage.submit(expires_at=past()), stage.submit()
    stage.finish(done)
    watches = stage.run(wait_for(stage.broker, [late.id, done.id]))
    assert [watch.exit_code for watch in watches] == [124, 0]


def test_late_job_has_ended_for_whoever_cancels_or_repeats_it(stage: Stage) -> None:
    """It can't be cancelled any more, and it can run again."""
    spec = stage.submit(expires_at=past())
    with pytest.raises(Conflict, match="has ended: expired"):
        stage.run(cancel(stage.broker, spec.id))
    assert stage.read(spec)[0].state is State.EXPIRED
    assert stage.run(retry(stage.broker, spec.id)).size == 1
    group = stage.submit_group(range(2), expires_at=past())[0].group
    assert stage.run(retry(stage.broker, JobId(group))).size == 2


@pytest.fixture
def stages() -> Iterator[tuple[Stage, Stage]]:
    """Give a stage, and the same one for somebody who may write no records."""
    with NatsServer(config=READER) as server:
        ann, eve = (
            Stage(msgspec.structs.replace(server.endpoint, user=user, password=PASSWORD), "tq")
            for user in ("ann", "eve")
        )
        ann.open("default")
        yield ann, eve
        ann.close()
        eve.close()


def test_late_jobs_are_over_for_those_who_may_not_end_them(stages: tuple[Stage, Stage]) -> None:
    """They wait no longer, and nothing is written."""
    ann, eve = stages
    spec, group = ann.submit(expires_at=past()), ann.submit_group(range(2), expires_at=past())
    ids = [spec.id, JobId(group[0].group)]
    assert [watch.exit_code for watch in eve.run(wait_for(eve.broker, ids))] == [124, 124]
    (watch,) = eve.run(wait_for(eve.broker, ids[:1]))
    assert (watch.is_over, watch.tally) == (True, (1, 1, 1, 0))
    assert ann.read(spec)[1] == 0
    assert count(ann, ann.names.jobs) == 3
