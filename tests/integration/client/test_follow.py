"""Following what jobs print."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.bystander import Bystander, Lost
from tests.support.printing import join, print_text, publish_refused
from tests.support.stage import Stage
from tqcli.client.follow import Follower
from tqcli.client.follow_group import GroupFollower
from tqcli.client.printed import Which
from tqcli.client.watch import GroupWatch
from tqcli.core.conclusion import conclude
from tqcli.core.outcome import Exited
from tqcli.core.record import Output
from tqcli.core.state import Reason, State
from tqcli.core.verdict import Succeed
from tqcli.errors import NotFound, Unknown
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.plain import Interrupted
from tqcli.jetstream.records import write_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.server import NatsServer
    from tqcli.client.printed import Attempts, Printed
    from tqcli.core.job import Job
    from tqcli.core.spec import Spec
    from tqcli.jetstream.link import Link, Message


@pytest.fixture
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again sooner than users would need."""
    monkeypatch.setattr("tqcli.client.follow.LOOK_AGAIN_S", 0.2)


class Recorder:
    """A link that remembers where it asked for several messages."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    async def request_many(self, subject: str, body: bytes, *, timeout_s: float = 5.0) -> list[Message]:
        """Ask."""
        self.asked.append(subject)
        return await self._link.request_many(subject, body, timeout_s=timeout_s)


def finish_with(stage: Stage, spec: Spec, output: Output) -> None:
    """Write the final record of a job that printed this much."""
    last, expected = stage.read(spec)
    record = conclude(last, Exited(0), Succeed(), now=datetime.now(UTC), output=output)
    stage.run(write_record(stage.broker, spec.group, spec.index, record, expected=expected))


def follow(
    stage: Stage, spec: Spec, *actions: Callable[[], object], attempts: Attempts = Which.ALL
) -> tuple[str, Job | None]:
    """Return what was seen of a job while the actions were done, one for each wait, and the job at the end."""
    follower = Follower(Broker(Bystander(stage.link, actions), stage.names), spec.id, attempts)
    return stage.run(read_all(follower)), follower.job


async def read_live(follower: Follower) -> str:
    """Return what is printed from now on, up to the end."""
    await follower.open()
    return join([printed async for printed in follower.read()])


async def read_all(follower: Follower) -> str:
    """Return what is printed already, and then up to the end."""
    await follower.open()
    seen = [printed async for printed in follower.read_stored()]
    seen += [printed async for printed in follower.read()]
    await follower.close()
    return join(seen)


def test_what_was_printed_comes_first(stage: Stage) -> None:
    """Then what is printed, up to the end; nothing twice."""
    spec = stage.submit()
    stage.start(spec)
    print_text(stage, spec, 0, "a")
    text, job = follow(
        stage,
        spec,
        lambda: print_text(stage, spec, 1, "b"),
        lambda: print_text(stage, spec, 2, "c"),
        lambda: stage.finish(spec, Exited(4), reason=Reason.EXIT),
    )
    assert text == "abc"
    assert job is not None
    assert (job.state, job.exit_code) == (State.FAILED, 4)


def test_job_that_has_ended_is_only_read(stage: Stage) -> None:
    """There is nothing to wait for."""
    spec = stage.submit()
    print_text(stage, spec, 0, "done")
    stage.complete(spec)
    text, job = follow(stage, spec)
    assert (text, job) == ("done", stage.load_job(spec.id))


@pytest.mark.parametrize("how", Lost)
def test_missed_message_is_read_from_the_stream(stage: Stage, how: Lost) -> None:
    """After a while of silence, or when the next one tells that there is a hole."""
    spec = stage.submit()

    def unheard() -> Lost:
        print_text(stage, spec, 0, "a")
        return how

    text, _ = follow(stage, spec, unheard, lambda: print_text(stage, spec, 1, "b"), lambda: stage.complete(spec))
    assert text == "ab"


def test_hole_is_filled_at_once(stage: Stage) -> None:
    """Not at the end only: what comes after it would have to wait."""
    spec = stage.submit()
    seen: list[Printed] = []
    in_time: list[str] = []

    def unheard() -> Lost:
        print_text(stage, spec, 0, "a")
        return Lost.UNTIL_NEXT

    actions = [
        unheard,
        lambda: print_text(stage, spec, 1, "b"),
        lambda: in_time.append(join(seen)),
        lambda: stage.complete(spec),
    ]
    follower = Follower(Broker(Bystander(stage.link, actions), stage.names), spec.id)

    async def read() -> None:
        await follower.open()
        async for printed in follower.read():
            seen.append(printed)  # noqa: PERF401 - looked at meanwhile

    stage.run(read())
    assert in_time == ["ab"]


def test_record_that_was_refused_ends_nothing(stage: Stage) -> None:
    """A holder that lost its fence published a final record: only what is stored counts."""
    spec = stage.submit()
    stage.start(spec)
    text, job = follow(
        stage,
        spec,
        lambda: publish_refused(stage, spec),
        *[lambda: None] * 9,
        lambda: print_text(stage, spec, 0, "still here"),
        lambda: stage.finish(spec, Exited(5), reason=Reason.EXIT),
    )
    assert text == "still here"
    assert job is not None
    assert job.exit_code == 5


def test_lost_answers_are_asked_for_again(stage: Stage) -> None:
    """Whether the job has ended is asked until somebody answers."""
    spec = stage.submit()

    def lose() -> None:
        msg = "no answer"
        raise Unknown(msg)

    broker = stage.meddle("$JS.API.DIRECT.GET", lose)
    follower = Follower(Broker(Bystander(broker.link, [lambda: stage.complete(spec)]), stage.names), spec.id)
    assert stage.run(read_live(follower)) == ""
    assert follower.job is not None


def test_last_message_may_be_missed_too(stage: Stage) -> None:
    """Only the record is heard: what the stream has more is read before the end."""
    spec = stage.submit()

    def unheard() -> Lost:
        print_text(stage, spec, 0, "unheard")
        return Lost.UNTIL_NEXT

    text, _ = follow(stage, spec, unheard, lambda: finish_with(stage, spec, Output(stdout=7)))
    assert text == "unheard"


def test_end_of_a_silent_job_costs_no_look_at_the_log(stage: Stage) -> None:
    """Its record says that there is none."""
    spec = stage.submit()
    link = Recorder(stage.link)
    follower = Follower(Broker(Bystander(link, [lambda: stage.complete(spec)]), stage.names), spec.id)

    async def read() -> None:
        await follower.open()
        assert [printed async for printed in follower.read()] == []

    stage.run(read())
    assert follower.job is not None
    assert not [subject for subject in link.asked if stage.names.logs in subject]


def test_messages_out_of_order_are_put_in_order(stage: Stage) -> None:
    """An agent repeats one whose answer was lost, after later ones."""
    spec = stage.submit()
    text, _ = follow(
        stage,
        spec,
        lambda: print_text(stage, spec, 1, "b"),
        lambda: print_text(stage, spec, 0, "a"),
        lambda: print_text(stage, spec, 1, "b"),
        lambda: print_text(stage, spec, 2, "c"),
        lambda: stage.complete(spec),
    )
    assert text == "abc"


def test_all_attempts_are_followed(stage: Stage) -> None:
    """A job that waits for its retry has not ended."""
    spec = stage.submit(retries=1)

    def run_once(attempt: int) -> None:
        stage.start(spec)
        print_text(stage, spec, 0, f"{attempt};", attempt=attempt)

    actions = (
        lambda: run_once(1),
        lambda: stage.wait_for_retry(spec, Exited(1)),
        lambda: run_once(2),
        lambda: stage.finish(spec),
    )
    assert follow(stage, spec, *actions)[0] == "1;2;"


def test_following_starts_with_the_last_attempt(stage: Stage) -> None:
    """And goes on with those after it."""
    spec = stage.submit(retries=2)
    for attempt in (1, 2):
        stage.start(spec)
        print_text(stage, spec, 0, f"{attempt};", attempt=attempt)
        stage.wait_for_retry(spec, Exited(1))
    actions = (
        lambda: stage.start(spec),
        lambda: print_text(stage, spec, 1, "late", attempt=1),
        lambda: print_text(stage, spec, 0, "3;", attempt=3),
        lambda: stage.finish(spec),
    )
    assert follow(stage, spec, *actions, attempts=Which.LAST)[0] == "2;3;"


def test_silent_last_attempt_does_not_bring_back_the_one_before(stage: Stage) -> None:
    """Also where the whole log is read again at the end."""
    spec = stage.submit(retries=1)
    stage.start(spec)
    print_text(stage, spec, 0, "first")
    stage.wait_for_retry(spec, Exited(1))
    stage.start(spec)
    actions = (lambda: print_text(stage, spec, 1, "x", attempt=2), lambda: stage.finish(spec))
    assert follow(stage, spec, *actions, attempts=Which.LAST)[0] == "x"


def test_one_attempt_is_followed_to_its_own_end(stage: Stage) -> None:
    """Not to the job's."""
    spec = stage.submit(retries=1)
    stage.start(spec)
    text, job = follow(
        stage,
        spec,
        lambda: print_text(stage, spec, 0, "1;"),
        lambda: stage.wait_for_retry(spec, Exited(1)),
        attempts=1,
    )
    assert text == "1;"
    assert job is not None
    assert job.state is State.RETRYING


@pytest.mark.usefixtures("short_silence")
def test_silence_is_told(stage: Stage) -> None:
    """So that somebody can say why nothing happens."""
    spec = stage.submit()
    heard: list[Job] = []

    async def hear(job: Job) -> None:
        heard.append(job)

        if len(heard) == 1:
            stage.complete(spec)

    stage.run(read_all(Follower(stage.broker, spec.id, on_silence=hear)))
    assert [job.state for job in heard] == [State.QUEUED]


@pytest.mark.usefixtures("short_silence")
def test_job_that_vanishes_is_not_followed(stage: Stage) -> None:
    """Its stream was purged by hand: it will never end."""
    spec = stage.submit()

    def purge() -> None:
        stage.put(f"$JS.API.STREAM.PURGE.{stage.names.jobs}", b"")

    with pytest.raises(NotFound, match="no job"):
        follow(stage, spec, purge)


def test_interrupted_wait_goes_on_where_it_was(stage: Stage) -> None:
    """As after the first Ctrl-C: nothing is lost, and nothing comes twice."""
    spec = stage.submit()
    follower_stage = Stage(stage.endpoint, stage.names.namespace)
    reading, writing = os.pipe()
    follower_stage.link.interrupt_on(reading)

    def interrupt() -> None:
        print_text(stage, spec, 1, "b")
        os.write(writing, b"\0")

    actions = [lambda: print_text(stage, spec, 0, "a"), interrupt, lambda: stage.complete(spec)]
    follower = Follower(Broker(Bystander(follower_stage.link, actions), stage.names), spec.id)
    seen: list[Printed] = []

    async def read() -> None:
        async for printed in follower.read():
            seen.append(printed)  # noqa: PERF401 - kept when the wait is interrupted

    stage.run(follower.open())
    with pytest.raises(Interrupted):
        stage.run(read())
    stage.run(read())
    assert join(seen) == "ab"
    follower_stage.close()
    os.close(reading)
    os.close(writing)


@pytest.mark.usefixtures("short_silence")
def test_following_outlives_the_broker(fresh_server: NatsServer, unique: str) -> None:
    """It restarts in the middle; what was printed meanwhile is seen after it."""
    stage = Stage(fresh_server.endpoint, unique)
    stage.open("default")
    stage.link.patience_s = None
    spec = stage.submit()

    def restart() -> None:
        fresh_server.restart()
        other = Stage(fresh_server.endpoint, unique)
        print_text(other, spec, 0, "back")
        other.finish(spec)
        other.close()

    assert follow(stage, spec, restart)[0] == "back"
    stage.close()


def test_group_is_followed_as_its_jobs_print(stage: Stage) -> None:
    """In the order in which it is stored, to the end of the last one."""
    specs = stage.submit_group([1, 2])
    print_text(stage, specs[1], 0, "2a ")

    def end(spec: Spec, text: str) -> None:
        print_text(stage, spec, 1, text)
        stage.finish(spec)

    actions = [
        lambda: print_text(stage, specs[0], 0, "1a "),
        lambda: end(specs[1], "2b "),
        lambda: end(specs[0], "1b "),
    ]
    broker = Broker(Bystander(stage.link, actions), stage.names)
    follower = GroupFollower(broker, GroupWatch(broker, specs[0]))
    seen = stage.collect(follower.read())
    assert join(seen) == "2a 1a 2b 1b "
    assert (follower.watch.is_over, follower.watch.exit_code) == (True, 0)


def test_group_is_followed_from_the_last_attempts_on(stage: Stage) -> None:
    """Of each job its own."""
    specs = stage.submit_group([1, 2], retries=1)
    for attempt in (1, 2):
        stage.start(specs[0])
        print_text(stage, specs[0], 0, f"1.{attempt} ", attempt=attempt)
        if attempt == 1:
            stage.wait_for_retry(specs[0], Exited(1))
    print_text(stage, specs[1], 0, "2.1 ")
    broker = Broker(Bystander(stage.link, [lambda: [stage.finish(spec) for spec in specs]]), stage.names)
    follower = GroupFollower(broker, GroupWatch(broker, specs[0]), Which.LAST)
    seen = stage.collect(follower.read_stored()) + stage.collect(follower.read())
    assert join(seen) == "1.2 2.1 "
