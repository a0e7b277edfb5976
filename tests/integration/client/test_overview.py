"""Everything on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.client.overview import load_overview
from tqcli.core.outcome import Exited
from tqcli.core.state import Reason, State

if TYPE_CHECKING:
    from tests.support.stage import Stage


def test_unused_broker_has_nothing(bare_stage: Stage) -> None:
    """And says so."""
    overview = bare_stage.run(load_overview(bare_stage.broker))
    assert overview.unused
    assert (overview.queued, overview.running, overview.waiting) == (0, 0, 0)


def test_counts_are_those_of_all_queues(stage: Stage) -> None:
    """Waiting, running and ended ones."""
    stage.open("other")
    first, second, third, *_ = [stage.submit() for _ in range(5)]
    stage.submit(queue="other")
    stage.complete(first)
    stage.complete(second, Exited(1), reason=Reason.EXIT)
    stage.take(third)
    stage.start(third)
    stage.announce("host-a", busy=1)
    overview = stage.run(load_overview(stage.broker))
    assert not overview.unused
    assert [queue.name for queue in overview.queues] == ["default", "other"]
    assert [agent.name for agent in overview.agents] == ["host-a"]
    assert (overview.queued, overview.running) == (3, 1)
    assert overview.recent == {State.SUCCEEDED: 1, State.FAILED: 1}
    assert overview.since is not None


def test_jobs_that_wait_for_their_retry_are_counted(stage: Stage) -> None:
    """They are in no queue meanwhile."""
    spec = stage.submit()
    where = stage.take(spec)
    stage.start(spec)
    stage.wait_for_retry(spec, Exited(1))
    stage.settle(where)
    overview = stage.run(load_overview(stage.broker))
    assert (overview.waiting, overview.queued, overview.running) == (1, 0, 0)


def test_recent_jobs_are_a_thousand_at_most(stage: Stage) -> None:
    """However many there were."""
    for spec in stage.submit_group(range(1_100)):
        stage.finish(spec)
    overview = stage.run(load_overview(stage.broker))
    assert overview.recent == {State.SUCCEEDED: 1_000}
