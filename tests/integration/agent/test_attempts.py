"""What becomes of jobs in the hands of a healthy agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.support.agents import read_record, wait_until_final
from tests.support.eventually import eventually
from tqcli.core.outcome import Failure
from tqcli.core.spec import Python, Shell, Stdin
from tqcli.core.state import Reason, State
from tqcli.jetstream.logs import STDERR, STDOUT, decode_message
from tqcli.jetstream.objects import get_object, put_object
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.agent.conftest import StartAgent
    from tests.support.stage import Stage
    from tqcli.core.spec import Spec


def shell(line: str) -> Shell:
    """Return a shell line as work."""
    return Shell((line,), line=True)


def printed(stage: Stage, spec: Spec, stream: int, attempt: int | str = "*") -> bytes:
    """Return what a job printed on one stream."""
    subject = stage.names.log(spec.group, spec.index, attempt)
    stored = stage.collect(oldest_first(stage.link, stage.names.logs, subject, page=16))
    messages = {(m.attempt, m.number): m.frames for m in (decode_message(one.subject, one.body) for one in stored)}
    frames = chain.from_iterable(messages[key] for key in sorted(messages))
    return b"".join(frame.data for frame in frames if frame.stream == stream)


def test_a_job_runs_and_its_end_is_recorded(stage: Stage, start_agent: StartAgent) -> None:
    """Exit code, output apart by stream, agent and times are kept; the message is gone."""
    agent = start_agent()
    spec = stage.submit(work=shell("echo out; echo err >&2; exit 3"))
    record = wait_until_final(stage, spec)
    assert (record.state, record.reason, record.exit_code, record.attempt) == (State.FAILED, Reason.EXIT, 3, 1)
    assert record.agent == agent.name
    assert (printed(stage, spec, STDOUT), printed(stage, spec, STDERR)) == (b"out\n", b"err\n")
    assert record.output is not None
    assert (record.output.stdout, record.output.stderr) == (4, 4)
    eventually(lambda: stage.run(stream_state(stage.link, stage.names.jobs))["messages"] == 0, 5)


def test_short_silent_jobs_cost_one_record_each(stage: Stage, start_agent: StartAgent) -> None:
    """No log message, and no `running` record where the job was short."""
    start_agent()
    specs = stage.submit_group(range(20), work=Shell(("true",)))
    for spec in specs:
        record = wait_until_final(stage, spec)
        assert (record.state, record.output) == (State.SUCCEEDED, None)
    assert stage.run(stream_state(stage.link, stage.names.logs))["messages"] == 0
    assert stage.run(stream_state(stage.link, stage.names.records))["last_seq"] < 2 * len(specs)


@pytest.mark.parametrize(
    ("backoff", "least_s"), [("none", 0.0), ("fixed:1s", 2.0)], ids=["at once", "through the broker"]
)
def test_a_failing_job_is_tried_again(stage: Stage, start_agent: StartAgent, backoff: str, least_s: float) -> None:
    """`retries` attempts follow the first, each after its backoff; the history has all of them."""
    start_agent()
    spec = stage.submit(work=shell("exit 9"), retries=2, backoff=backoff)
    record = wait_until_final(stage, spec)
    assert [attempt.exit_code for attempt in record.attempts] == [9, 9, 9]
    assert [attempt.number for attempt in record.attempts] == [1, 2, 3]
    last, first = record.attempts[-1], record.attempts[0]
    assert first.finished_at is not None
    assert (last.started_at - first.finished_at).total_seconds() >= least_s


def test_backoff_survives_the_agent_and_holds_no_slot(stage: Stage, start_agent: StartAgent) -> None:
    """While a job waits for its retry its only agent may die, and another one goes on."""
    agent = start_agent(slots=1)
    spec = stage.submit(work=shell('test "$TQ_ATTEMPT" = 2'), retries=1, backoff="fixed:3s")
    eventually(lambda: (record := read_record(stage, spec)) and record.state is State.RETRYING, 10)
    assert wait_until_final(stage, stage.submit(work=Shell(("true",))), 2).state is State.SUCCEEDED
    agent.kill()
    start_agent()
    record = wait_until_final(stage, spec)
    assert (record.state, record.attempt, record.losses) == (State.SUCCEEDED, 2, 0)


def test_a_job_that_outlives_its_timeout_is_stopped(stage: Stage, start_agent: StartAgent) -> None:
    """TERM, then KILL after the grace; the reason is the timeout."""
    start_agent()
    spec = stage.submit(
        work=shell("trap '' TERM; sleep 60"), timeout=timedelta(seconds=0.5), grace=timedelta(seconds=0.5)
    )
    record = wait_until_final(stage, spec, 10)
    assert (record.state, record.reason) == (State.FAILED, Reason.TIMEOUT)


def test_an_expired_job_never_starts(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """Too late is final, and nothing ran."""
    mark = tmp_path / "ran"
    spec = stage.submit(work=Shell(("touch", str(mark))), expires_at=datetime.now(UTC) - timedelta(seconds=1))
    start_agent()
    assert wait_until_final(stage, spec).state is State.EXPIRED
    assert not mark.exists()


def test_a_python_function_returns_its_value(stage: Stage, start_agent: StartAgent) -> None:
    """The value is in the record, as JSON."""
    start_agent()
    spec = stage.submit(work=Python("json:loads", args=msgspec.Raw(b'["{\\"a\\": [1, 2]}"]')))
    record = wait_until_final(stage, spec)
    assert record.result is not None
    assert msgspec.json.decode(record.result) == {"a": [1, 2]}


def test_a_python_exception_is_recorded_and_printed(stage: Stage, start_agent: StartAgent) -> None:
    """Type, message and traceback are in the record and on stderr."""
    start_agent()
    spec = stage.submit(work=Python("json:loads", args=msgspec.Raw(b'["nonsense"]')))
    record = wait_until_final(stage, spec)
    assert (record.state, record.reason) == (State.FAILED, Reason.ERROR)
    assert isinstance(record.error, Failure)
    assert record.error.type == "json.decoder.JSONDecodeError"
    assert b"JSONDecodeError" in printed(stage, spec, STDERR)


def test_a_result_too_big_for_a_record_is_stored_apart(stage: Stage, start_agent: StartAgent) -> None:
    """The record names it; a megabyte of result fails neither the job nor the agent."""
    start_agent()
    work = Python("operator:mul", args=msgspec.Raw(b'["x", 1000000]'))
    record = wait_until_final(stage, stage.submit(work=work))
    assert (record.state, record.result) == (State.SUCCEEDED, None)
    assert record.stored_result is not None
    assert stage.run(get_object(stage.broker, record.stored_result.digest)) == b'"' + b"x" * 1_000_000 + b'"'


def test_bytes_that_are_no_spec_are_rejected_with_a_record(stage: Stage, start_agent: StartAgent) -> None:
    """Nonsense in the queue ends as a rejected job, not in a crash loop."""
    start_agent()
    spec = stage.submit(work=Shell(("true",)))
    wait_until_final(stage, spec)
    other = msgspec.structs.replace(spec, group=spec.group[:-1] + ("2" if spec.group[-1] != "2" else "3"))
    stage.put(stage.names.job("default", "normal", other.group, 0), b"{nonsense")
    record = wait_until_final(stage, other)
    assert (record.state, record.reason) == (State.FAILED, Reason.REJECTED)


@pytest.mark.parametrize("stored", [False, True], ids=["in the spec", "in the object store"])
def test_standard_input_arrives_byte_for_byte(stage: Stage, start_agent: StartAgent, *, stored: bool) -> None:
    """Small input travels in the message, large input beside it."""
    data = bytes(range(256)) * (4000 if stored else 4)
    digest = stage.run(put_object(stage.broker, data)) if stored else None
    start_agent()
    spec = stage.submit(work=Shell(("cat",)), stdin=Stdin(size=len(data), data=None if stored else data, digest=digest))
    wait_until_final(stage, spec)
    assert printed(stage, spec, STDOUT) == data


def test_a_job_sees_who_and_where_it_is(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """Its own environment, TQ_* and its directory."""
    start_agent()
    (spec,) = stage.submit_group(
        [7],
        work=shell('echo "$A $TQ_JOB_ID $TQ_ATTEMPT $TQ_QUEUE $TQ_GROUP $TQ_INDEX $TQ_SCHEDULE $TQ_SCHEDULED_AT $PWD"'),
        env={"A": "b"},
        schedule="nightly",
        scheduled_at=datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=1))),
        cwd=str(tmp_path),
    )
    wait_until_final(stage, spec)
    words = f"b {spec.group}.7 1 default {spec.group} 7 nightly 2026-03-01T11:00:00Z {tmp_path}\n"
    assert printed(stage, spec, STDOUT) == words.encode()


def test_a_directory_that_is_not_there(stage: Stage, start_agent: StartAgent) -> None:
    """Asked for, it fails the job; inherited from the submitter, the job gets a fresh one."""
    start_agent()
    strict = wait_until_final(stage, stage.submit(work=Shell(("pwd",)), cwd="/no/such", cwd_required=True))
    assert (strict.state, strict.reason, strict.exit_code) == (State.FAILED, Reason.NOT_STARTED, 126)
    lenient = stage.submit(work=Shell(("pwd",)), cwd="/no/such")
    assert wait_until_final(stage, lenient).state is State.SUCCEEDED
    assert b"/tq-" in printed(stage, lenient, STDOUT)


def test_output_beyond_the_cap_keeps_head_and_tail(stage: Stage, start_agent: StartAgent) -> None:
    """70 MB printed: the first bytes and the last are there, and the cut says how many are not."""
    start_agent()
    spec = stage.submit(work=shell("echo first; head -c 70000000 /dev/zero; echo last"))
    record = wait_until_final(stage, spec, 60)
    assert record.output is not None
    assert record.output.stdout == 70_000_011
    out = printed(stage, spec, STDOUT)
    assert len(out) == record.output.stdout - record.output.dropped
    assert (out[:6], out[-5:]) == (b"first\n", b"last\n")
    assert printed(stage, spec, 0) == str(record.output.dropped).encode()
