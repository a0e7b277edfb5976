"""Running finished jobs again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tqcli.client.cancel import cancel
from tqcli.client.query import find
from tqcli.client.retry import retry
from tqcli.core.ids import JobId
from tqcli.core.outcome import Exited
from tqcli.core.spec import Shell
from tqcli.core.state import Reason, State
from tqcli.errors import Conflict, NotFound

if TYPE_CHECKING:
    from tests.support.stage import Stage


def test_finished_job_is_queued_again_under_a_new_id(stage: Stage) -> None:
    """It names the old one, and is otherwise the same."""
    old = stage.submit(work=Shell(("make", "all")), name="build", env={"A": "1"}, retries=2)
    stage.complete(old, Exited(2), reason=Reason.EXIT)
    new = stage.run(retry(stage.broker, old.id))
    assert new.size == 1
    assert new.id != old.id
    spec = stage.run(find(stage.broker, new.id)).spec
    assert spec.retry_of == str(old.id)
    assert (spec.work, spec.name, spec.env, spec.retries, spec.size) == (old.work, "build", {"A": "1"}, 2, None)
    assert spec.submitted_at > old.submitted_at


def test_cancelled_job_is_run_again_from_its_record(stage: Stage) -> None:
    """Its message is gone, its spec is not."""
    old = stage.submit()
    stage.run(cancel(stage.broker, old.id))
    new = stage.run(retry(stage.broker, old.id))
    assert stage.run(find(stage.broker, new.id)).record is None


def test_deadline_counts_anew(stage: Stage) -> None:
    """Else the new job would be too late from the start."""
    now = datetime.now(UTC)
    old = stage.submit(ago=timedelta(hours=2), expires_at=now - timedelta(hours=1))
    stage.complete(old)
    spec = stage.run(find(stage.broker, stage.run(retry(stage.broker, old.id)).id)).spec
    assert spec.expires_at is not None
    assert timedelta(minutes=59) < spec.expires_at - datetime.now(UTC) < timedelta(minutes=61)


@pytest.mark.parametrize("started", [False, True])
def test_job_that_has_not_ended_is_a_conflict(stage: Stage, *, started: bool) -> None:
    """It would run twice at once."""
    spec = stage.submit()
    if started:
        stage.start(spec)
    with pytest.raises(Conflict, match="running" if started else "queued"):
        stage.run(retry(stage.broker, spec.id))


def test_unknown_job_is_not_found(stage: Stage) -> None:
    """Nothing is submitted."""
    with pytest.raises(NotFound):
        stage.run(retry(stage.broker, JobId("1xkbbg0000000000")))


def test_group_is_run_again_as_a_group(stage: Stage) -> None:
    """Same size, same indexes."""
    old = stage.submit_group((1, 5, 9))
    for spec in old:
        stage.complete(spec)
    new = stage.run(retry(stage.broker, JobId(old[0].group)))
    assert (new.id.index, new.size) == (None, 3)
    jobs = stage.read_jobs(new.id.group)
    assert [(job.index, job.size, job.retry_of) for job in jobs] == [(spec.index, 3, str(spec.id)) for spec in old]
    assert {job.state for job in jobs} == {State.QUEUED}


def test_group_with_a_job_that_has_not_ended_is_a_conflict(stage: Stage) -> None:
    """The message says how many."""
    specs = stage.submit_group(range(3))
    stage.complete(specs[0])
    with pytest.raises(Conflict, match="2 of the 3 jobs"):
        stage.run(retry(stage.broker, JobId(specs[0].group)))


def test_element_keeps_its_index(stage: Stage) -> None:
    """What it does may depend on it."""
    old = stage.submit_group((4, 7))[0]
    stage.complete(old)
    new = stage.run(retry(stage.broker, old.id))
    assert new.id == JobId(new.id.group, 4)
    spec = stage.run(find(stage.broker, new.id)).spec
    assert (spec.index, spec.size, spec.retry_of) == (4, 1, str(old.id))


def test_only_what_failed_is_run_again(stage: Stage) -> None:
    """The rest of the group is done."""
    specs = stage.submit_group(range(4))
    for spec in specs:
        failed = spec.index in {1, 3}
        stage.complete(spec, Exited(int(failed)), reason=Reason.EXIT if failed else None)
    new = stage.run(retry(stage.broker, JobId(specs[0].group), failed_only=True))
    jobs = stage.read_jobs(new.id.group)
    assert [(job.index, job.size) for job in jobs] == [(1, 2), (3, 2)]


def test_group_is_run_again_by_the_page(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are; each once."""
    monkeypatch.setattr("tqcli.client.retry.PAGE", 2)
    specs = stage.submit_group(range(1, 6))
    for spec in specs:
        stage.complete(spec, Exited(1), reason=Reason.EXIT)
    done: list[int] = []
    new = stage.run(retry(stage.broker, JobId(specs[0].group), progress=done.append))
    assert (done, new.size) == ([2, 4, 5], 5)
    assert [(job.index, job.size) for job in stage.read_jobs(new.id.group)] == [(index, 5) for index in range(1, 6)]


def test_nothing_failed_is_a_conflict(stage: Stage) -> None:
    """So that a script sees it."""
    spec = stage.submit()
    stage.complete(spec)
    with pytest.raises(Conflict, match="failed"):
        stage.run(retry(stage.broker, spec.id, failed_only=True))
