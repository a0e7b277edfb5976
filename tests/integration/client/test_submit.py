"""Sending jobs to a real broker."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from tqcli.client.build import INLINE_BYTES, Submission, build_submission
from tqcli.client.once import submit_once
from tqcli.client.origin import load_origin
from tqcli.client.query import resolve
from tqcli.client.queues import remove_queue
from tqcli.client.submit import make_item, submit
from tqcli.core.codec import encode_spec
from tqcli.core.ids import JobId
from tqcli.core.job import Job
from tqcli.core.options import JobOptions
from tqcli.core.record import queued
from tqcli.core.state import State
from tqcli.errors import Conflict, NotFound, QueueFull
from tqcli.jetstream.api import call
from tqcli.jetstream.enqueue import enqueue
from tqcli.jetstream.lookup import count_messages
from tqcli.jetstream.objects import get_object
from tqcli.jetstream.records import write_record
from tqcli.jetstream.subjects import HEADER_RECHECK
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.stage import Stage
    from tqcli.core.spec import Spec

TRUE = ("true",)


def build(*, key: str | None = None, **options: Any) -> Submission:
    """Return a submission of these options."""
    return build_submission(JobOptions(**({"command": TRUE} | options)), load_origin(key))


def send(stage: Stage, submission: Submission) -> None:
    """Send it."""
    stage.run(submit(stage.broker, submission.specs, payload=submission.payload))


def send_once(stage: Stage, submission: Submission) -> bool:
    """Send it unless it was sent before; return whether it wasn't."""
    return stage.run(submit_once(stage.broker, submission.specs, payload=submission.payload)) is None


def count_queued(stage: Stage) -> int:
    """Return the number of queued jobs."""
    return stage.run(count_messages(stage.link, stage.names.jobs, ">"))


def test_first_job_ever_is_accepted(bare_stage: Stage) -> None:
    """What it needs at the broker is made on the way."""
    submission = build()
    send(bare_stage, submission)
    job = bare_stage.load_job(submission.specs[0].id)
    assert (job.state, job.command) == (State.QUEUED, TRUE)


@pytest.mark.parametrize("size", [1, 1000, 2345])
def test_group_is_accepted_whole(stage: Stage, size: int) -> None:
    """Batch by batch, and its progress is told."""
    submission = build(array=f"1-{size}")
    seen: list[int] = []
    stage.run(submit(stage.broker, submission.specs, progress=seen.append))
    assert count_queued(stage) == size
    assert seen == sorted(seen)
    assert size == 1 or seen[-1] == size
    indexes = [job.index for job in stage.read_jobs(submission.specs[0].group)]
    assert indexes == list(range(1, size + 1))


def test_unknown_queue_is_refused_before_anything_is_sent(stage: Stage, tmp_path: Path) -> None:
    """With the name that was probably meant; jobs there would wait for ever."""
    stage.open("reports")
    (tmp_path / "in").write_bytes(b"x" * (INLINE_BYTES + 1))
    submission = build(queue="report", stdin=str(tmp_path / "in"))
    with pytest.raises(NotFound, match="no queue 'report'") as caught:
        send(stage, submission)
    assert caught.value.hint is not None
    assert "reports" in caught.value.hint
    assert count_queued(stage) == 0
    assert stage.run(stream_state(stage.link, stage.names.objects))["messages"] == 0
    send(stage, build(queue="reports"))
    assert count_queued(stage) == 1


def test_unknown_queue_is_refused_on_a_new_broker(bare_stage: Stage) -> None:
    """There are no queues at all yet."""
    with pytest.raises(NotFound, match="no queue 'gpu'"):
        send(bare_stage, build(queue="gpu"))


@pytest.mark.parametrize("key", [None, "nightly"])
def test_queue_that_goes_away_meanwhile_is_told(stage: Stage, key: str | None) -> None:
    """It was there when we looked; nobody would ever get the job."""
    stage.open("gpu")
    submission = build(command=("true",), queue="gpu", key=key)

    def remove() -> None:
        stage.run(remove_queue(stage.broker, "gpu"))

    broker = stage.meddle(stage.names.job("gpu", "normal", submission.specs[0].group, 0), remove)
    with pytest.raises(Conflict, match="removed the queue 'gpu'"):
        stage.run((submit if key is None else submit_once)(broker, submission.specs))


def test_long_stdin_is_there_before_its_job(bare_stage: Stage, tmp_path: Path) -> None:
    """Also where it is the first thing ever stored."""
    data = bytes(range(256)) * 2000
    (tmp_path / "in").write_bytes(data)
    submission = build(stdin=str(tmp_path / "in"), array="1-3")
    send(bare_stage, submission)
    stdin = submission.specs[0].stdin
    assert stdin is not None
    assert stdin.digest is not None
    assert bare_stage.run(get_object(bare_stage.broker, stdin.digest)) == data


def test_full_queue_says_how_much_it_took(stage: Stage) -> None:
    """A group that did not fit is not called accepted."""
    config = stage.run(call(stage.link, f"STREAM.INFO.{stage.names.jobs}"))["config"]
    stage.run(call(stage.link, f"STREAM.UPDATE.{stage.names.jobs}", config | {"max_msgs": 1500}))
    with pytest.raises(QueueFull, match="1,000 of 2,000 jobs were accepted"):
        send(stage, build(array="1-2000"))
    assert count_queued(stage) == 1000


def test_key_makes_one_job_of_many_tries(bare_stage: Stage) -> None:
    """The second finds the first, under the same id."""
    first, second = build(key="nightly"), build(key="nightly")
    assert send_once(bare_stage, first)
    assert not send_once(bare_stage, second)
    assert first.specs[0].id == second.specs[0].id
    assert count_queued(bare_stage) == 1
    assert HEADER_RECHECK in read_headers(bare_stage, 1), "its agent must read the record first"


def test_key_is_remembered_when_its_job_has_ended(stage: Stage) -> None:
    """However long the server remembers message ids: its record is what counts."""
    submission = build(key="nightly")
    assert send_once(stage, submission)
    stage.complete(submission.specs[0])
    assert not send_once(stage, build(key="nightly"))
    assert count_queued(stage) == 0


def test_try_that_broke_off_is_completed_by_the_next(stage: Stage) -> None:
    """It had written the record, and not queued the job."""
    (spec,) = build(key="nightly").specs
    reserve(stage, spec)
    assert send_once(stage, build(key="nightly"))
    assert count_queued(stage) == 1
    stage.complete(spec)


def test_group_that_broke_off_is_completed_by_the_next(stage: Stage) -> None:
    """What was queued, runs or has ended stays as it is."""
    specs = build(key="nightly", array="1-5").specs
    reserve(stage, specs[0])
    for spec in specs[1:3]:
        stage.run(enqueue(stage.broker, make_item(stage.names, spec)))
    stage.complete(specs[1])
    assert send_once(stage, build(key="nightly", array="1-5"))
    group = stage.run(resolve(stage.broker, JobId(specs[0].group)))
    assert not isinstance(group, Job)
    assert (group.counts, group.missing) == ({State.QUEUED: 4, State.SUCCEEDED: 1}, 0)
    assert count_queued(stage) == 4
    assert not send_once(stage, build(key="nightly", array="1-5"))


def test_key_of_other_jobs_is_refused(stage: Stage) -> None:
    """Nobody is told that a group is there when it is a single job."""
    assert send_once(stage, build(key="nightly"))
    with pytest.raises(Conflict, match="the key belongs to other jobs"):
        send_once(stage, build(key="nightly", array="0-4"))
    with pytest.raises(Conflict, match="the key belongs to other jobs"):
        send_once(stage, build(key="nightly", array="3-4"))
    assert send_once(stage, build(key="hourly", array="3-4"))
    with pytest.raises(Conflict, match="the key belongs to other jobs"):
        send_once(stage, build(key="hourly", array="4-5"))
    assert count_queued(stage) == 3


def read_headers(stage: Stage, sequence: int) -> str:
    """Return the headers of a job's message."""
    answer = stage.run(call(stage.link, f"STREAM.MSG.GET.{stage.names.jobs}", {"seq": sequence}))
    return b64decode(answer["message"]["hdrs"]).decode()


def reserve(stage: Stage, spec: Spec) -> None:
    """Write the record that a key's first job gets before it is queued."""
    stage.run(write_record(stage.broker, spec.group, spec.index, queued(encode_spec(spec)), expected=0))
