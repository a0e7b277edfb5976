"""How a job or a group ended, for the user of a command that waited for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.core.ending import describe_end
from tqcli.core.state import Reason, State

if TYPE_CHECKING:
    from tqcli.client.watch import GroupWatch
    from tqcli.core.job import Job

_SAID = frozenset({Reason.EXIT, Reason.ERROR})
"""Failures of which the job's own stderr tells."""


def explain_job(job: Job, *, shown: bool) -> str | None:
    """Return a line on how the job failed to succeed; None where it did, or where its output is `shown` and says so."""
    if job.state is State.SUCCEEDED or (shown and job.reason in _SAID):
        return None
    was = "was " if job.state is State.CANCELLED else ""
    text = f"tq: job {job.id} {was}{describe_end(job)}"
    return f"{text}: {job.error.message}" if job.error is not None and job.reason is not Reason.ERROR else text


def explain_group(group: GroupWatch) -> str | None:
    """Return a line on how many jobs of the group did not succeed, or None where all did."""
    counts = {state: count for state, count in group.counts.items() if state is not State.SUCCEEDED}
    parts = [f"{count:,} {state}" for state, count in counts.items()]
    if group.missing:
        parts.append(f"{group.missing:,} never accepted")
    if not parts:
        return None
    return f"tq: of {group.size:,} jobs {', '.join(parts)}; `tq status {group.id}` shows which"
