"""Reading a job or a group, in whatever state it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tqcli.client.query import find, resolve
from tqcli.core.ids import JobId
from tqcli.core.job import Job, describe
from tqcli.core.outcome import Exited
from tqcli.core.state import Reason, State
from tqcli.errors import CorruptRecord, NotFound

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tqcli.client.query import Group

ABSENT = JobId("1xkbbg0000000000")


def load_group(stage: Stage, group: str) -> Group:
    """Return the group."""
    found = stage.run(resolve(stage.broker, JobId(group)))
    assert not isinstance(found, Job)
    return found


def test_queued_job_is_read_from_its_message(stage: Stage) -> None:
    """A submit is one publish, so there is no record yet."""
    spec = stage.submit(name="early")
    job = stage.load_job(spec.id)
    assert (job.id, job.state, job.name, job.attempt) == (str(spec.id), State.QUEUED, "early", 0)


def test_running_job_is_what_its_record_says(stage: Stage) -> None:
    """Its message is still there, as its lease."""
    spec = stage.submit()
    stage.take(spec)
    stage.start(spec, agent="host-b")
    job = stage.load_job(spec.id)
    assert (job.state, job.agent, job.attempt) == (State.RUNNING, "host-b", 1)


def test_job_that_ends_between_two_reads_is_found(stage: Stage) -> None:
    """Its record was not there yet, its message no longer."""
    spec = stage.submit()
    broker = stage.meddle(f"$JS.API.DIRECT.GET.{stage.names.jobs}", lambda: stage.complete(spec))
    assert describe(*stage.run(find(broker, spec.id))).state is State.SUCCEEDED


def test_ended_job_is_read_from_its_record(stage: Stage) -> None:
    """Its message is gone."""
    spec = stage.submit()
    stage.complete(spec, Exited(3), reason=Reason.EXIT)
    job = stage.run(resolve(stage.broker, spec.id))
    assert isinstance(job, Job)
    assert (job.state, job.reason, job.exit_code) == (State.FAILED, Reason.EXIT, 3)


@pytest.mark.parametrize("job", [ABSENT, JobId(ABSENT.group, 7)])
def test_id_that_never_existed_is_not_found(stage: Stage, job: JobId) -> None:
    """It is no pending job."""
    with pytest.raises(NotFound, match=str(job)):
        stage.run(resolve(stage.broker, job))


def test_unused_broker_knows_no_job(bare_stage: Stage) -> None:
    """Missing streams are no outage."""
    with pytest.raises(NotFound, match=str(ABSENT)):
        bare_stage.load_job(ABSENT)


def test_unreadable_record_is_called_so(stage: Stage) -> None:
    """Somebody published something else there."""
    subject = stage.names.record(ABSENT.group, 0)
    stage.put(subject, b'{"v": 1, "state": "nonsense"}')
    with pytest.raises(CorruptRecord):
        stage.load_job(ABSENT)


def test_group_counts_its_jobs_by_state(stage: Stage) -> None:
    """Those without a record are queued."""
    specs = stage.submit_group(range(1, 6), name="many")
    stage.complete(specs[0])
    stage.complete(specs[1], Exited(1), reason=Reason.EXIT)
    stage.take(specs[2])
    stage.start(specs[2])
    group = load_group(stage, specs[0].group)
    assert group.counts == {State.RUNNING: 1, State.QUEUED: 2, State.FAILED: 1, State.SUCCEEDED: 1}
    assert (group.size, group.name, group.missing, group.final) == (5, "many", 0, False)
    assert [job.id for job in group.failed] == [f"{specs[0].group}.2"]


def test_ended_group_has_its_worst_state(stage: Stage) -> None:
    """One failure fails the group."""
    specs = stage.submit_group(range(3))
    for spec, reason in zip(specs, (None, Reason.EXIT, None), strict=True):
        stage.complete(spec, Exited(0 if reason is None else 1), reason=reason)
    group = load_group(stage, specs[0].group)
    assert (group.final, group.state) == (True, State.FAILED)


def test_jobs_that_were_never_accepted_are_missing(stage: Stage) -> None:
    """A bulk submit that broke off leaves a group smaller than it says."""
    specs = stage.submit_group(range(1, 4), size=5)
    group = load_group(stage, specs[0].group)
    assert (group.counts, group.missing) == ({State.QUEUED: 3}, 2)


def test_job_that_runs_hides_none_that_is_missing(stage: Stage) -> None:
    """It has a record and a message, and counts once."""
    specs = stage.submit_group(range(1, 4), size=5)
    stage.take(specs[0])
    stage.start(specs[0])
    group = load_group(stage, specs[0].group)
    assert (group.counts, group.missing) == ({State.RUNNING: 1, State.QUEUED: 2}, 2)


def test_element_of_a_group_is_a_job(stage: Stage) -> None:
    """Queued or ended."""
    specs = stage.submit_group((3, 7))
    stage.complete(specs[0])
    states = [stage.load_job(spec.id).state for spec in specs]
    assert states == [State.SUCCEEDED, State.QUEUED]
