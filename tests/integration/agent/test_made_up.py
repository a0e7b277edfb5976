"""Messages and records that nobody's tq wrote: each comes to an end, and none comes back with every lease."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.agents import read_record
from tests.support.eventually import eventually
from tqcli.core.codec import encode, encode_spec
from tqcli.core.ids import make_group_id
from tqcli.core.spec import WIRE_VERSION, Shell, Spec
from tqcli.core.state import Reason, State
from tqcli.jetstream.enqueue import Item, enqueue
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.agent.conftest import StartAgent
    from tests.support.stage import Stage


def make_spec(random_bits: int = 1, *, queue: str = "default", work: Shell = Shell(("true",))) -> Spec:  # noqa: B008
    """Return a spec that was not submitted."""
    now = datetime.now(UTC)
    return Spec(
        v=WIRE_VERSION, group=make_group_id(now, random_bits), work=work, submitted_at=now, queue=queue, max_losses=0
    )


def count(stage: Stage, stream: str) -> int:
    """Return how many messages a stream holds."""
    messages: int = stage.run(stream_state(stage.link, stream))["messages"]
    return messages


def assert_rejected(stage: Stage, spec: Spec, word: str) -> None:
    """Assert that its message goes, and that the job ends as rejected, for a reason with this word."""
    eventually(lambda: count(stage, stage.names.timers) + count(stage, stage.names.jobs) == 0, 7)
    record = read_record(stage, spec)
    assert record is not None
    assert (record.state, record.reason) == (State.FAILED, Reason.REJECTED)
    assert record.error is not None
    assert word in record.error.message


@pytest.mark.parametrize("tail", ["abc.x", "abc.-1", "abc.01", "*.0"])
def test_a_subject_that_names_no_job_is_cleared_away(stage: Stage, start_agent: StartAgent, tail: str) -> None:
    """There is no place for its record: its message goes, with a line in the agent's log."""
    stage.put(f"{stage.names.namespace}.job.default.normal.{tail}", b"{}")
    agent = start_agent()
    eventually(lambda: count(stage, stage.names.jobs) == 0, 7)
    assert f"normal.{tail}' is not the subject of a job" in agent.log.read_text()
    assert "Traceback" not in agent.log.read_text()


@pytest.mark.parametrize("recheck", [True, False], ids=["before its start", "after its end"])
def test_a_record_that_cant_be_read_is_replaced(stage: Stage, start_agent: StartAgent, *, recheck: bool) -> None:
    """The job ends there as rejected; nobody can tell what became of it."""
    spec = make_spec()
    stage.put(stage.names.record(spec.group, 0), b'{"v":1,"state":"running","new_field":1}')
    subject = stage.names.job("default", "normal", spec.group, 0)
    stage.run(enqueue(stage.broker, Item(subject, spec.group, encode_spec(spec)), recheck=recheck))
    start_agent()
    assert_rejected(stage, spec, "the job's record can't be read")


def test_a_spec_that_cant_be_read_beside_such_a_record(stage: Stage, start_agent: StartAgent) -> None:
    """Neither hides the other."""
    spec = make_spec()
    stage.put(stage.names.record(spec.group, 0), b"{nonsense")
    stage.put(stage.names.job("default", "normal", spec.group, 0), b"{nonsense")
    start_agent()
    assert_rejected(stage, spec, "the job's record can't be read")


def test_a_job_on_the_subject_of_another_runs_nothing(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """The job that the subject names is rejected, and the one in the message has neither run nor a record."""
    mark = tmp_path / "ran"
    named, sent = make_spec(1), make_spec(2, work=Shell(("touch", str(mark))))
    stage.put(stage.names.job("default", "normal", named.group, 0), encode_spec(sent))
    start_agent()
    assert_rejected(stage, named, "belongs on")
    assert read_record(stage, sent) is None
    assert not mark.exists()


@pytest.mark.parametrize("queue", ["default", "No Queue"], ids=["another job", "a queue that can't be"])
def test_a_firing_that_makes_no_sense_ends_as_rejected(stage: Stage, start_agent: StartAgent, queue: str) -> None:
    """What fired is checked like a job's message; under the name that its subject has."""
    named, sent = make_spec(1), make_spec(2, queue=queue)
    body = encode(sent if queue == "default" else make_spec(1, queue=queue))
    stage.put(stage.names.firing(named.group, 0), body)
    start_agent()
    assert_rejected(stage, named, "belongs on" if queue == "default" else "can't name a queue")
    assert read_record(stage, sent) is None


def test_a_firing_that_names_no_job_is_cleared_away(stage: Stage, start_agent: StartAgent) -> None:
    """Like a job's message of that kind."""
    stage.put(f"{stage.names.namespace}.timer.fire.at.abc.x", b"{}")
    start_agent()
    eventually(lambda: count(stage, stage.names.timers) == 0, 7)
