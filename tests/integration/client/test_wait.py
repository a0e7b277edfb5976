"""Waiting for jobs and groups."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.support.bystander import Bystander, Lost
from tests.support.printing import publish_refused
from tests.support.stage import Stage
from tqcli.client.hints import LOOK_AGAIN_S
from tqcli.client.submit import make_item
from tqcli.client.wait import wait_for
from tqcli.client.watch import LOOKS_UNTIL_MISSING, GroupWatch, JobWatch, Tally
from tqcli.core.codec import encode_spec
from tqcli.core.exit_status import EXIT_UNKNOWN
from tqcli.core.ids import JobId
from tqcli.core.outcome import Exited, Signalled
from tqcli.core.record import queued
from tqcli.core.state import Reason, State
from tqcli.errors import NotFound, Unknown
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.enqueue import enqueue
from tqcli.jetstream.records import write_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.server import NatsServer
    from tqcli.core.spec import Spec

ABSENT = JobId("1xkbbg0000000000")
SOON = timedelta(milliseconds=200)


def beside(stage: Stage, *actions: Callable[[], object]) -> Broker:
    """Return the broker over a link that does the actions while somebody waits, one for each wait."""
    return Broker(Bystander(stage.link, actions), stage.names)


def wait_for_one(stage: Stage, broker: Broker, spec: Spec) -> JobWatch:
    """Return the watch of a job that has ended."""
    (watch,) = stage.run(wait_for(broker, [spec.id]))
    assert isinstance(watch, JobWatch)
    assert watch.is_over
    return watch


def test_job_that_has_ended_is_not_waited_for(stage: Stage) -> None:
    """Its exit code is what counts."""
    spec = stage.submit()
    stage.complete(spec, Exited(3), reason=Reason.EXIT)
    watch = wait_for_one(stage, beside(stage), spec)
    assert (watch.exit_code, watch.job.state, watch.tally) == (3, State.FAILED, Tally(1, 1, 1, 0))


def test_end_of_a_job_is_known_at_once(stage: Stage) -> None:
    """By subscription, long before the next look."""
    spec = stage.submit()
    started = time.monotonic()
    watch = wait_for_one(stage, beside(stage, lambda: stage.complete(spec, Signalled(9), reason=Reason.SIGNAL)), spec)
    assert watch.exit_code == 137
    assert time.monotonic() - started < LOOK_AGAIN_S / 2


def test_job_may_end_before_anybody_listens(stage: Stage) -> None:
    """Between the first look and the subscription."""
    spec = stage.submit()
    seen: list[Tally] = []

    def end(tally: Tally) -> None:
        if not seen:
            stage.complete(spec)
        seen.append(tally)

    started = time.monotonic()
    stage.run(wait_for(stage.broker, [spec.id], on_progress=end))
    assert [tally.ended for tally in seen] == [0, 1]
    assert time.monotonic() - started < LOOK_AGAIN_S / 2


def test_missed_message_delays_the_end_only(stage: Stage) -> None:
    """Whoever hears nothing looks."""
    spec = stage.submit()

    def unheard() -> Lost:
        stage.complete(spec)
        return Lost.UNTIL_LOOK

    assert wait_for_one(stage, beside(stage, unheard), spec).exit_code == 0


def test_record_that_was_refused_ends_nothing(stage: Stage) -> None:
    """A holder that lost its fence published a final record: only what is stored counts."""
    spec = stage.submit()
    stage.start(spec)
    end = partial(stage.finish, spec, Exited(5), reason=Reason.EXIT)
    broker = beside(stage, partial(publish_refused, stage, spec), *[lambda: None] * 9, end)
    assert wait_for_one(stage, broker, spec).exit_code == 5


def test_lost_answers_are_asked_for_again(stage: Stage) -> None:
    """Whether the job has ended is asked until somebody answers."""
    spec = stage.submit()

    def lose() -> None:
        msg = "no answer"
        raise Unknown(msg)

    broker = Broker(
        Bystander(stage.meddle("$JS.API.DIRECT.GET", lose).link, [lambda: stage.complete(spec)]), stage.names
    )
    assert wait_for_one(stage, broker, spec).exit_code == 0


def test_time_runs_out(stage: Stage) -> None:
    """Then nothing is over, and nothing looks like success."""
    spec, others = stage.submit(), stage.submit_group(range(2))
    for ids in ([spec.id], [JobId(others[0].group)], [spec.id, others[0].id]):
        watches = stage.run(wait_for(stage.broker, ids, within=SOON))
        assert [watch.is_over for watch in watches] == [False] * len(ids)
        assert {watch.exit_code for watch in watches} == {EXIT_UNKNOWN}


def test_unknown_job_is_not_waited_for(stage: Stage) -> None:
    """A typo in an id is an error, not a pending job."""
    spec = stage.submit()
    with pytest.raises(NotFound, match="no job"):
        stage.run(wait_for(stage.broker, [spec.id, JobId("0" * 16)]))


def test_job_that_vanishes_is_not_waited_for(stage: Stage) -> None:
    """Its stream was purged by hand: it will never end."""
    spec = stage.submit()

    def purge() -> Lost:
        stage.put(f"$JS.API.STREAM.PURGE.{stage.names.jobs}", b"")
        return Lost.UNTIL_LOOK

    with pytest.raises(NotFound, match="no job"):
        wait_for_one(stage, beside(stage, purge), spec)


def test_group_ends_with_its_last_job(stage: Stage) -> None:
    """As the worst of them, and the progress counts."""
    specs = stage.submit_group([1, 2, 3])
    seen: list[Tally] = []
    broker = beside(
        stage,
        lambda: stage.complete(specs[0], Exited(7), reason=Reason.EXIT),
        lambda: stage.start(specs[1]),
        lambda: stage.finish(specs[1]),
        lambda: stage.finish(specs[2], Exited(2), reason=Reason.EXIT),
    )
    (watch,) = stage.run(wait_for(broker, [JobId(specs[0].group)], on_progress=seen.append))
    assert isinstance(watch, GroupWatch)
    assert (watch.exit_code, watch.counts) == (7, {State.SUCCEEDED: 1, State.FAILED: 2})
    assert list(dict.fromkeys(seen)) == [
        Tally(3, 0, 0, 0),
        Tally(3, 1, 1, 0),
        Tally(3, 1, 1, 1),
        Tally(3, 2, 1, 0),
        Tally(3, 3, 2, 0),
    ]


def test_several_are_over_when_all_are(stage: Stage) -> None:
    """An id that is named twice is one."""
    specs = [stage.submit(), stage.submit()]
    broker = beside(stage, lambda: stage.complete(specs[0]), lambda: stage.complete(specs[1]))
    watches = stage.run(wait_for(broker, [specs[0].id, specs[1].id, specs[0].id]))
    assert [watch.is_over for watch in watches] == [True, True]


def test_any_is_enough(stage: Stage) -> None:
    """The first that ends counts."""
    specs, group = [stage.submit(), stage.submit()], stage.submit_group(range(2))
    broker = beside(stage, lambda: stage.finish(specs[1], Exited(9), reason=Reason.EXIT))
    ids = [specs[0].id, specs[1].id, JobId(group[0].group)]
    watches = stage.run(wait_for(broker, ids, any_=True))
    assert [watch.is_over for watch in watches] == [False, True, False]
    assert watches[1].exit_code == 9


def test_job_that_retries_has_not_ended(stage: Stage) -> None:
    """Nor has it vanished, although its message is in a timer."""
    spec = stage.submit(retries=1)
    where = stage.take(spec)
    stage.start(spec)
    stage.wait_for_retry(spec, Exited(1))
    stage.settle(where)
    (watch,) = stage.run(wait_for(stage.broker, [spec.id], within=SOON))
    assert not watch.is_over
    stage.run(watch.check())
    assert not watch.is_over


def test_group_that_was_never_whole_ends(stage: Stage) -> None:
    """Its submission broke off; the jobs that nobody has are said to be missing, but not at first sight."""
    specs = stage.submit_group([1, 2], size=5)
    watch = GroupWatch(stage.broker, specs[0])
    stage.complete(specs[0])
    stage.run(watch.refresh())
    for _ in range(LOOKS_UNTIL_MISSING):
        stage.run(watch.check())
    assert not watch.is_over
    stage.complete(specs[1])
    for _ in range(LOOKS_UNTIL_MISSING - 1):
        stage.run(watch.check())
    late = msgspec.structs.replace(specs[0], index=3)
    stage.run(enqueue(stage.broker, make_item(stage.names, late)))
    stage.run(watch.check())
    stage.complete(late)
    for number in range(1, LOOKS_UNTIL_MISSING + 1):
        stage.run(watch.check())
        assert watch.is_over == (number == LOOKS_UNTIL_MISSING)
    assert (watch.missing, watch.exit_code) == (2, EXIT_UNKNOWN)
    assert watch.counts == {State.SUCCEEDED: 3}


@pytest.mark.parametrize("count", [1, 2])
def test_waiting_outlives_the_broker(
    fresh_server: NatsServer, unique: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It restarts in the middle, and the job ends after it came back."""
    monkeypatch.setattr("tqcli.client.wait.LOOK_AGAIN_S", 0.3)
    stage = Stage(fresh_server.endpoint, unique)
    stage.open("default")
    stage.link.patience_s = None
    specs = [stage.submit() for _ in range(count)]

    def finish() -> None:
        other = Stage(fresh_server.endpoint, unique)
        for spec in specs:
            other.finish(spec)
        other.close()

    broker = beside(stage, fresh_server.restart, finish)
    watches = stage.run(wait_for(broker, [spec.id for spec in specs]))
    assert [watch.is_over for watch in watches] == [True] * count
    stage.close()


@pytest.mark.parametrize("size", [None, 2])
def test_key_whose_submitter_died_is_not_waited_for_without_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, size: int | None
) -> None:
    """It was reserved, and nothing was queued; but not at first sight."""
    monkeypatch.setattr("tqcli.client.wait.LOOK_AGAIN_S", 0.05)
    spec = msgspec.structs.replace(stage.submit(), group=ABSENT.group, size=size)
    record = queued(encode_spec(spec))
    stage.run(write_record(stage.broker, spec.group, spec.index, record, expected=0))
    if size is None:
        with pytest.raises(Unknown, match="never queued"):
            stage.run(wait_for(stage.broker, [ABSENT]))
    else:
        (watch,) = stage.run(wait_for(stage.broker, [ABSENT]))
        assert (watch.is_over, watch.exit_code, watch.tally.ended) == (True, EXIT_UNKNOWN, 0)
