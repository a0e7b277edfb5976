"""A job as its user sees it."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given

from tests.unit.core.examples import GROUP, NOW, PLAIN, specs, vary
from tqcli.core.codec import encode
from tqcli.core.job import Job, describe
from tqcli.core.record import become, queued, start
from tqcli.core.spec import Python, Shell, Spec
from tqcli.core.state import Reason, State

PROMISED = [
    "id",
    "name",
    "kind",
    "command",
    "entrypoint",
    "state",
    "reason",
    "queue",
    "priority",
    "attempt",
    "retries",
    "exit_code",
    "signal",
    "error",
    "result",
    "agent",
    "submitted_at",
    "started_at",
    "finished_at",
    "group",
    "index",
    "schedule",
]


def test_promised_fields_come_first_and_in_order() -> None:
    """Scripts read these names."""
    assert list(Job.__struct_fields__)[: len(PROMISED)] == PROMISED


@given(spec=specs)
def test_every_job_is_json_with_all_fields(spec: Spec) -> None:
    """What is not known is null, never missing."""
    shown = msgspec.json.decode(encode(describe(spec, None)))
    assert set(shown) == set(Job.__struct_fields__)
    assert (shown["command"] is None) == (shown["kind"] == "python")
    assert (shown["entrypoint"] is None) == (shown["kind"] == "shell")


def test_job_without_a_record_is_queued() -> None:
    """Its message is all there is."""
    job = describe(PLAIN, None)
    assert (job.id, job.state, job.attempt, job.attempts) == (GROUP, State.QUEUED, 0, ())
    assert (job.index, job.size, job.started_at) == (None, None, None)
    assert b'"submitted_at":"2026-03-01T12:00:00Z"' in encode(job)


def test_element_of_a_group_has_its_index() -> None:
    """Also where it is the first or the only one."""
    job = describe(vary(index=0, size=1), None)
    assert (job.id, job.group, job.index, job.size) == (f"{GROUP}.0", GROUP, 0, 1)


def test_finished_job_shows_how_it_ended() -> None:
    """Facts come from the record."""
    running = start(queued(encode(PLAIN)), agent="left", claim="c", now=NOW)
    failed = become(running, State.FAILED, reason=Reason.EXIT, exit_code=3, finished_at=NOW + timedelta(seconds=2))
    job = describe(PLAIN, failed)
    assert (job.state, job.reason, job.exit_code, job.agent, job.attempt) == ("failed", "exit", 3, "left", 1)
    assert job.finished_at == NOW + timedelta(seconds=2)


def test_shell_line_is_shown_as_it_runs() -> None:
    """The command could be typed as it stands."""
    assert describe(vary(work=Shell(("a | b",), line=True)), None).command == ("/bin/sh", "-c", "a | b")
    assert describe(vary(work=Python("a:b")), None).entrypoint == "a:b"
