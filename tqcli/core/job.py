"""A job as its user sees it: spec and record in one, the fields of `tq status --json`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tqcli.core.outcome import Failure
from tqcli.core.record import Attempt, Output, Record, Result
from tqcli.core.spec import Shell, Spec, Stored
from tqcli.core.state import Reason, State

SHELL = ("/bin/sh", "-c")
"""What runs the line of a shell job."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job. What is not known is None; `index` is None for a job of its own."""

    id: str
    name: str | None
    kind: str
    command: tuple[str, ...] | None
    entrypoint: str | None
    state: State
    reason: Reason | None
    queue: str
    priority: str
    attempt: int
    retries: int
    exit_code: int | None
    signal: int | None
    error: Failure | None
    result: Result
    agent: str | None
    submitted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    group: str
    index: int | None
    schedule: str | None
    attempts: tuple[Attempt, ...]
    losses: int
    output: Output | None
    retry_of: str | None
    retry_at: datetime | None
    not_before: datetime | None
    scheduled_at: datetime | None
    cwd: str | None
    submitted_by: str | None
    expires_at: datetime | None
    size: int | None
    stored_result: Stored | None


_UNTOUCHED = Record(v=0, spec=msgspec.Raw(b"{}"), state=State.QUEUED)


def describe(spec: Spec, record: Record | None) -> Job:
    """Return the job as it stands; without a record it is queued."""
    last = record if record is not None else _UNTOUCHED
    work = spec.work
    is_shell = isinstance(work, Shell)
    return Job(
        id=str(spec.id),
        name=spec.name,
        kind="shell" if is_shell else "python",
        command=((*SHELL, *work.argv) if work.line else work.argv) if isinstance(work, Shell) else None,
        entrypoint=None if isinstance(work, Shell) else work.entrypoint,
        state=last.state,
        reason=last.reason,
        queue=spec.queue,
        priority=spec.priority,
        attempt=last.attempt,
        retries=spec.retries,
        exit_code=last.exit_code,
        signal=last.signal,
        error=last.error,
        result=last.result,
        agent=last.agent,
        submitted_at=spec.submitted_at,
        started_at=last.started_at,
        finished_at=last.finished_at,
        group=spec.group,
        index=spec.id.index,
        schedule=spec.schedule,
        attempts=last.attempts,
        losses=last.losses,
        output=last.output,
        retry_of=spec.retry_of,
        retry_at=last.retry_at,
        not_before=spec.not_before,
        scheduled_at=spec.scheduled_at,
        cwd=spec.cwd,
        submitted_by=spec.submitted_by,
        expires_at=spec.expires_at,
        size=spec.size,
        stored_result=last.stored_result,
    )
