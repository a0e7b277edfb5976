"""Queues: listed, added, removed, paused, limited, purged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.integration.client.test_start import move
from tests.support.eventually import eventually
from tqcli.client.purge import purge_queue
from tqcli.client.queues import (
    Queue,
    add_queue,
    limit_queue,
    list_queues,
    pause_queue,
    remove_queue,
    require_queue,
    resume_queue,
)
from tqcli.client.timed import count_timed
from tqcli.core.codec import encode_spec
from tqcli.core.outcome import Exited
from tqcli.core.state import State
from tqcli.errors import Conflict, InvalidInput, NotFound
from tqcli.jetstream.lookup import count_messages
from tqcli.jetstream.timers import set_timer

if TYPE_CHECKING:
    from tests.support.stage import Stage


def load_queue(stage: Stage, name: str) -> Queue:
    """Return one queue."""
    return next(queue for queue in stage.run(list_queues(stage.broker)) if queue.name == name)


def test_queue_counts_what_waits_and_what_runs(stage: Stage) -> None:
    """Over all priorities."""
    specs = [stage.submit(priority=priority) for priority in ("high", "normal", "normal", "low")]
    stage.take(specs[0])
    stage.announce("host-a", slots=3, busy=1)
    stage.announce("host-b", queues=("default", "other"), slots=4)
    queue = load_queue(stage, "default")
    assert (queue.queued, queue.running, queue.agents, queue.slots) == (3, 1, 2, 7)


def test_what_lies_with_an_agent_but_has_no_slot_is_queued(stage: Stage) -> None:
    """Held ready, or in the hands of one that died: it does not run."""
    specs = [stage.submit() for _ in range(3)]
    stage.take(specs[0])
    stage.take(specs[1])
    stage.announce("host-a", slots=1, busy=1)
    queue = load_queue(stage, "default")
    assert (queue.queued, queue.running) == (2, 1)


def test_queues_come_by_name_however_many(stage: Stage) -> None:
    """JetStream lists 256 consumers at a time; a queue has three."""
    names = sorted(f"q{number}" for number in range(90))
    stage.open(*names)
    assert [queue.name for queue in stage.run(list_queues(stage.broker))] == ["default", *names]


def test_default_is_listed_once_jobs_wait_in_it(bare_stage: Stage) -> None:
    """Its first agent has not come yet."""
    assert bare_stage.run(list_queues(bare_stage.broker)) == []
    bare_stage.submit()
    queue = load_queue(bare_stage, "default")
    assert (queue.queued, queue.running, queue.agents) == (1, 0, 0)


def test_adding_says_whether_it_is_new(bare_stage: Stage) -> None:
    """On a broker that was never used, too."""
    assert bare_stage.run(add_queue(bare_stage.broker, "gpu")) is True
    assert bare_stage.run(add_queue(bare_stage.broker, "gpu")) is False
    assert load_queue(bare_stage, "gpu").queued == 0


@pytest.mark.parametrize("name", ["a.b", "a*", ">", "a b", "\x1b[31m", "x" * 10_000, ""])
def test_bad_name_makes_no_queue(stage: Stage, name: str) -> None:
    """It would reach into other queues."""
    with pytest.raises(InvalidInput):
        stage.run(add_queue(stage.broker, name))


def test_unknown_queue_suggests_the_near_one(stage: Stage) -> None:
    """A typo must not make a job wait for ever."""
    stage.open("reports")
    with pytest.raises(NotFound, match="no queue 'report'") as caught:
        stage.run(require_queue(stage.broker, "report"))
    assert caught.value.hint == "did you mean 'reports'?"


@pytest.mark.parametrize(
    ("queues", "hint"),
    [
        ([], "there is only 'default'."),
        (["gpu", "cpu"], "there are cpu, default, gpu."),
        ([f"q{number}" for number in range(8)], "`tq queue ls` lists the 9 that are there."),
    ],
)
def test_unknown_queue_tells_which_there_are(bare_stage: Stage, queues: list[str], hint: str) -> None:
    """And how to make one, but only to those whom a new one serves."""
    bare_stage.open(*queues)
    with pytest.raises(NotFound) as caught:
        bare_stage.run(require_queue(bare_stage.broker, "mail"))
    assert caught.value.hint == hint
    with pytest.raises(NotFound) as caught:
        bare_stage.run(require_queue(bare_stage.broker, "mail", addable=True))
    assert caught.value.hint == f"{hint} `tq queue add mail` makes a new one"


def test_empty_queue_is_removed(stage: Stage) -> None:
    """And its limit with it."""
    stage.open("gpu")
    stage.run(limit_queue(stage.broker, "gpu", 2))
    stage.run(remove_queue(stage.broker, "gpu"))
    with pytest.raises(NotFound):
        stage.run(require_queue(stage.broker, "gpu"))
    stage.open("gpu")
    assert load_queue(stage, "gpu").limit is None


def test_removal_that_broke_off_can_be_repeated(stage: Stage) -> None:
    """One of its consumers is gone already."""
    stage.open("gpu")
    names = stage.names
    stage.put(f"$JS.API.CONSUMER.DELETE.{names.jobs}.{names.queue_consumer('gpu', 'high')}", b"")
    stage.run(remove_queue(stage.broker, "gpu"))
    with pytest.raises(NotFound):
        stage.run(require_queue(stage.broker, "gpu"))


def test_queue_that_somebody_else_removes_is_not_found(stage: Stage) -> None:
    """Between our look whether it is there and our look at what is in it."""
    stage.open("gpu")

    def remove() -> None:
        stage.run(remove_queue(stage.broker, "gpu"))

    broker = stage.meddle(f"$JS.API.CONSUMER.LIST.{stage.names.jobs}", lambda: None, remove)
    with pytest.raises(NotFound, match="no queue 'gpu'"):
        stage.run(remove_queue(broker, "gpu"))


def test_queue_with_a_job_stays(stage: Stage) -> None:
    """Its jobs would never run."""
    stage.open("gpu")
    stage.submit(queue="gpu")
    with pytest.raises(Conflict, match="has 1 job"):
        stage.run(remove_queue(stage.broker, "gpu"))
    assert load_queue(stage, "gpu").queued == 1


def test_queue_with_an_agent_stays(stage: Stage) -> None:
    """It would lose what it holds."""
    stage.open("gpu")
    stage.announce("host-a", queues=("gpu",))
    with pytest.raises(Conflict, match="served by 1 agent"):
        stage.run(remove_queue(stage.broker, "gpu"))


def test_queue_that_gets_a_job_while_it_is_removed_stays(stage: Stage) -> None:
    """The submitter saw it and was told yes."""
    stage.open("gpu")
    broker = stage.meddle(f"$JS.API.CONSUMER.DELETE.{stage.names.jobs}", lambda: stage.submit(queue="gpu"))
    with pytest.raises(Conflict, match="just now"):
        stage.run(remove_queue(broker, "gpu"))
    assert load_queue(stage, "gpu").queued == 1


def test_default_queue_is_not_removed(stage: Stage) -> None:
    """Everybody relies on it."""
    with pytest.raises(InvalidInput, match="stays"):
        stage.run(remove_queue(stage.broker, "default"))


def test_paused_queue_says_so_until_it_is_resumed(stage: Stage) -> None:
    """Without an end, and with one."""
    stage.run(pause_queue(stage.broker, "default"))
    queue = load_queue(stage, "default")
    assert (queue.paused, queue.paused_until) == (True, None)
    stage.run(pause_queue(stage.broker, "default", duration=timedelta(hours=1)))
    queue = load_queue(stage, "default")
    assert queue.paused_until is not None
    assert queue.paused_until - datetime.now(UTC) > timedelta(minutes=59)
    stage.run(resume_queue(stage.broker, "default"))
    assert load_queue(stage, "default").paused is False


def test_pause_ends_at_its_time(stage: Stage) -> None:
    """Nobody has to come back for it."""
    stage.run(pause_queue(stage.broker, "default", duration=timedelta(milliseconds=300)))
    assert load_queue(stage, "default").paused is True
    assert eventually(lambda: not load_queue(stage, "default").paused, 5.0)


def test_paused_queue_hands_out_nothing(stage: Stage) -> None:
    """Of any priority."""
    stage.run(pause_queue(stage.broker, "default"))
    spec = stage.submit()
    with pytest.raises(AssertionError):
        stage.take(spec)
    stage.run(resume_queue(stage.broker, "default"))
    stage.take(spec)


def test_resumed_queue_wakes_the_agents_that_wait(stage: Stage) -> None:
    """Their requests lie at the server; a job should not wait until they are repeated."""
    deliveries = stage.ask(expires=4_000_000_000)
    stage.run(pause_queue(stage.broker, "default"))
    stage.submit()
    stage.run(resume_queue(stage.broker, "default"))
    message = stage.run(deliveries.next(3.0))
    assert message is not None
    assert message.status is None


def test_limit_is_set_changed_and_ended(stage: Stage) -> None:
    """As the list shows it."""
    limits = []
    for limit in (3, 1, None):
        stage.run(limit_queue(stage.broker, "default", limit))
        limits.append(load_queue(stage, "default").limit)
    assert limits == [3, 1, None]


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_limit_out_of_range_is_refused(stage: Stage, limit: int) -> None:
    """To stop a queue there is pause."""
    with pytest.raises(InvalidInput, match="limit"):
        stage.run(limit_queue(stage.broker, "default", limit))


def test_purge_cancels_what_waits(stage: Stage) -> None:
    """Every job gets its record; other queues are left alone."""
    stage.open("other")
    specs = [stage.submit(priority=priority) for priority in ("low", "high", "normal")]
    other = stage.submit(queue="other")
    assert stage.run(purge_queue(stage.broker, "default")) == 3
    assert {stage.load_job(spec.id).state for spec in specs} == {State.CANCELLED}
    assert stage.load_job(other.id).state is State.QUEUED
    assert stage.run(count_messages(stage.link, stage.names.jobs, ">")) == 1


def test_purge_leaves_running_jobs_alone(stage: Stage) -> None:
    """Their messages are their leases: without them nobody would notice that their agent died."""
    specs = [stage.submit() for _ in range(4)]
    for spec in specs[:2]:
        stage.take(spec)
    stage.start(specs[0])  # the other one is so young that it has no record
    assert stage.run(purge_queue(stage.broker, "default")) == 2
    states = [stage.load_job(spec.id).state for spec in specs]
    assert states == [State.RUNNING, State.QUEUED, State.CANCELLED, State.CANCELLED]
    assert stage.run(count_messages(stage.link, stage.names.jobs, ">")) == 2


def test_purge_leaves_a_job_alone_that_starts_meanwhile(stage: Stage) -> None:
    """It was taken after we had looked who waits."""
    specs = [stage.submit() for _ in range(3)]

    def start() -> None:
        stage.take(specs[0])
        stage.start(specs[0])

    broker = stage.meddle(f"{stage.names.namespace}.record.", start)
    assert stage.run(purge_queue(broker, "default")) == 2
    assert stage.load_job(specs[0].id).state is State.RUNNING
    assert stage.run(count_messages(stage.link, stage.names.jobs, ">")) == 1


def test_purge_leaves_later_jobs_alone(stage: Stage) -> None:
    """Who submits while it goes on is not meant."""
    stage.submit()
    broker = stage.meddle("$JS.API.CONSUMER.INFO", lambda: None, stage.submit)
    assert stage.run(purge_queue(broker, "default")) == 1
    assert load_queue(stage, "default").queued == 1


def test_large_purge_reports_its_progress(stage: Stage) -> None:
    """Page by page."""
    stage.submit_group(range(6_000))
    seen: list[int] = []
    assert stage.run(purge_queue(stage.broker, "default", progress=seen.append)) == 6_000
    assert seen == sorted(seen)
    assert (len(seen) > 1, seen[-1]) == (True, 6_000)


def test_purge_takes_those_that_wait_for_their_time(stage: Stage) -> None:
    """In a timer or not yet, of this queue and of no other, retries included; nothing of them comes later."""
    stage.open("gpu")
    later = datetime.now(UTC) + timedelta(hours=1)
    moved, unmoved = (stage.submit(queue="gpu", not_before=later) for _ in range(2))
    retrying, other = stage.submit(queue="gpu", retries=1), stage.submit(not_before=later)
    move(stage, moved, other)
    stage.start(retrying)
    stage.wait_for_retry(retrying, Exited(1))
    assert stage.run(count_timed(stage.broker, "gpu")) == 2
    assert stage.run(purge_queue(stage.broker, "gpu")) == 3
    assert {stage.load_job(one.id).state for one in (moved, unmoved, retrying)} == {State.CANCELLED}
    assert stage.load_job(other.id).state is State.SCHEDULED
    assert stage.run(count_timed(stage.broker, "gpu")) == 0


def test_queue_for_which_a_job_waits_stays(stage: Stage) -> None:
    """It would come into a queue that nobody serves; the one that is moved just now as well."""
    stage.open("gpu")
    later = datetime.now(UTC) + timedelta(hours=1)
    spec = stage.submit(queue="gpu", not_before=later)
    move(stage, spec)
    with pytest.raises(Conflict, match="has 1 job still to come"):
        stage.run(remove_queue(stage.broker, "gpu"))
    stage.run(purge_queue(stage.broker, "gpu"))
    broker = stage.meddle(
        f"$JS.API.CONSUMER.DELETE.{stage.names.jobs}",
        lambda: stage.run(set_timer(stage.broker, spec.group, 0, encode_spec(spec), at=later)),
    )
    with pytest.raises(Conflict, match="just now"):
        stage.run(remove_queue(broker, "gpu"))
