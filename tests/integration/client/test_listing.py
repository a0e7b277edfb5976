"""The list of recent jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tqcli.client import listing
from tqcli.client.listing import Filters, list_jobs
from tqcli.core.outcome import Exited
from tqcli.core.state import Reason, State

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tqcli.core.job import Job

MINUTE = timedelta(minutes=1)


def list_with(stage: Stage, *, limit: int | None = 20, notes: list[str] | None = None, **filters: Any) -> list[Job]:
    """Return the jobs that pass these filters."""
    told: list[str] = [] if notes is None else notes
    return stage.collect(list_jobs(stage.broker, Filters(**filters), limit=limit, on_note=told.append))


def ids(jobs: list[Job]) -> list[str]:
    """Return their ids."""
    return [job.id for job in jobs]


def test_newest_submission_comes_first(stage: Stage) -> None:
    """Whether it waits, runs or has ended, and in whatever order they ended."""
    specs = [stage.submit(ago=timedelta(minutes=minutes)) for minutes in (4, 3, 2, 1)]
    for spec in (specs[2], specs[0]):
        stage.finish(spec)
    assert ids(list_with(stage)) == [str(spec.id) for spec in reversed(specs)]


def test_each_job_is_listed_once(stage: Stage) -> None:
    """A running one has a message and a record."""
    specs = [stage.submit() for _ in range(3)]
    stage.take(specs[0])
    stage.start(specs[0])
    jobs = list_with(stage)
    assert sorted(ids(jobs)) == sorted(str(spec.id) for spec in specs)
    assert [job.state for job in jobs if job.id == str(specs[0].id)] == [State.RUNNING]


def test_limit_ends_the_list(stage: Stage) -> None:
    """At the newest."""
    specs = [stage.submit(ago=MINUTE * (9 - number)) for number in range(5)]
    assert ids(list_with(stage, limit=2)) == [str(specs[4].id), str(specs[3].id)]


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.SUCCEEDED, State.FAILED, State.RETRYING])
def test_state_filters(stage: Stage, state: State) -> None:
    """One job of each."""
    running, failed, retrying, succeeded, queued = (stage.submit() for _ in range(5))
    stage.take(running)
    stage.start(running)
    stage.complete(failed, Exited(1), reason=Reason.EXIT)
    where = stage.take(retrying)
    stage.start(retrying)
    stage.wait_for_retry(retrying, Exited(1))
    stage.settle(where)
    stage.complete(succeeded)
    wanted = {
        State.QUEUED: queued,
        State.RUNNING: running,
        State.SUCCEEDED: succeeded,
        State.FAILED: failed,
        State.RETRYING: retrying,
    }
    assert ids(list_with(stage, states=frozenset({state}))) == [str(wanted[state].id)]


def test_queue_and_name_filter(stage: Stage) -> None:
    """Both of what waits and of what has ended."""
    stage.open("other")
    mine = [stage.submit(queue="other", name="mine", ago=MINUTE), stage.submit(queue="other", name="mine")]
    stage.finish(mine[0])
    stage.submit(queue="other", name="yours")
    stage.submit(name="mine")
    assert len(list_with(stage, queue="other")) == 3
    assert ids(list_with(stage, queue="other", name="mine")) == [str(mine[1].id), str(mine[0].id)]


def test_since_counts_the_last_change(stage: Stage) -> None:
    """An old job that failed just now is news."""
    old = [stage.submit(ago=timedelta(hours=3)) for _ in range(2)]
    new = stage.submit()
    stage.finish(old[0])
    jobs = list_with(stage, since=datetime.now(UTC) - timedelta(hours=1))
    assert sorted(ids(jobs)) == sorted([str(new.id), str(old[0].id)])


def test_unreadable_record_is_left_out_with_a_note(stage: Stage) -> None:
    """One odd record must not hide all others."""
    spec = stage.submit()
    stage.finish(spec)
    stage.put(stage.names.record("1xkbbg0000000000", 0), b"{}")
    notes: list[str] = []
    assert ids(list_with(stage, notes=notes)) == [str(spec.id)]
    assert notes == ["left out 1 record that this version of tq can't read"]


def test_search_for_what_is_rare_ends(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many records, and it says so."""
    monkeypatch.setattr(listing, "SCANNED_MOST", 30)
    for spec in stage.submit_group(range(40)):
        stage.finish(spec)
    notes: list[str] = []
    assert list_with(stage, notes=notes, states=frozenset({State.FAILED})) == []
    assert notes == ["looked at the 30 newest jobs only; older ones may match, too"]


def test_unused_broker_lists_nothing(bare_stage: Stage) -> None:
    """Missing streams are no outage."""
    assert list_with(bare_stage) == []
    assert list_with(bare_stage, states=frozenset({State.RUNNING})) == []


def test_long_list_is_complete(stage: Stage) -> None:
    """More than a page of both kinds."""
    specs = stage.submit_group(range(700))
    for spec in specs[:300]:
        stage.finish(spec)
    jobs = list_with(stage, limit=None)
    assert len(set(ids(jobs))) == len(jobs) == 700


def test_job_that_was_given_back_is_queued(stage: Stage) -> None:
    """Its record says so, because its agent had to leave."""
    spec = stage.submit()
    stage.start(spec)
    stage.give_back(spec)
    (job,) = list_with(stage, states=frozenset({State.QUEUED}))
    assert (job.id, job.attempt, job.attempts[0].ended) == (str(spec.id), 1, "interrupted")


def test_old_record_written_late_does_not_end_the_search(stage: Stage) -> None:
    """An agent delivered it after an outage."""
    new = stage.submit()
    stage.finish(new)
    late = stage.submit(ago=timedelta(hours=3))
    stage.finish(late, at=datetime.now(UTC) - timedelta(hours=2))
    assert ids(list_with(stage, since=datetime.now(UTC) - timedelta(hours=1))) == [str(new.id)]
