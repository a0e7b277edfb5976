"""How a job or a group ended, for the user of a command that waited for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.render.words import one_line
from tqcli.core.ending import describe_end, describe_failure
from tqcli.core.plural import count
from tqcli.core.state import Reason, State

if TYPE_CHECKING:
    from tqcli.client.watch import GroupWatch
    from tqcli.core.job import Job


def explain_job(job: Job, *, shown: bool) -> str | None:
    """Return how the job failed to succeed, whole; None where it did, or where its output is `shown` and says so."""
    if job.state is State.SUCCEEDED or (shown and _says_itself(job)):
        return None
    lines = f"tq: job {job.id} {_tell_end(job)}".split("\n")
    return "\n".join(map(one_line, lines))


def _says_itself(job: Job) -> bool:
    """Return whether the job's own stderr tells of its failure: a Python job's, where it got as far as to raise."""
    return job.reason is Reason.EXIT or (
        job.reason is Reason.ERROR and job.error is not None and job.error.traceback is not None
    )


def _tell_end(job: Job) -> str:
    end = describe_end(job)
    if job.error is None:
        return f"was {end}" if job.state is State.CANCELLED else end
    if job.reason is Reason.ERROR:
        return f"failed: {describe_failure(job.error)}"
    return f"{end}: {job.error.message}"


def explain_group(group: GroupWatch) -> str | None:
    """Return a line on how many jobs of the group did not succeed, or None where all did."""
    parts = [f"{number:,} {state}" for state, number in group.counts.items() if state is not State.SUCCEEDED]
    if group.missing:
        parts.append(f"{group.missing:,} never accepted")
    if not parts:
        return None
    return f"tq: of {count(group.size, 'job')} {', '.join(parts)}; `tq status {group.id}` shows which"
