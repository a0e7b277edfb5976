"""Waiting on the command line: with a bar, and for as long as the broker is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.progress import show_progress
from tqcli.cli.render.ending import explain_group, explain_job
from tqcli.client.patience import insist
from tqcli.client.query import resolve
from tqcli.client.wait import wait_for
from tqcli.client.watch import GroupWatch, JobWatch
from tqcli.core.exit_status import exit_status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from tqcli.cli.output import Output
    from tqcli.cli.session import Session
    from tqcli.client.watch import Tally
    from tqcli.core.ids import JobId
    from tqcli.core.job import Job


def be_patient(session: Session, output: Output) -> None:
    """From now on, wait for a lost broker for ever, and say so: the jobs go on without us."""
    session.link.patience_s = None
    session.link.on_event = lambda text: output.note(f"tq: {text}")


def wait(
    session: Session,
    output: Output,
    ids: Sequence[JobId],
    *,
    any_: bool = False,
    within: timedelta | None = None,
    on_unfinished: Callable[[], None] | None = None,
) -> list[JobWatch | GroupWatch]:
    """Return the ids' watches once all of them (with `any_`, one) are over, or `within` has passed.

    `on_unfinished` is called at most once, where there is something to wait for.

    Raises:
        NotFound: there is no such job or group.
    """
    be_patient(session, output)
    pending = [on_unfinished] if on_unfinished is not None else []
    with show_progress(output, "waiting") as bar:

        def advance(tally: Tally) -> None:
            if pending and tally.ended < tally.total:
                pending.pop()()
            parts = [f"{tally.running:,} running" if tally.running else "", _count_bad(tally)]
            bar.update(tally.ended, tally.total, ", ".join(part for part in parts if part))

        return session.run(wait_for(session.broker, ids, any_=any_, within=within, on_progress=advance))


def conclude(output: Output, ended: Job | GroupWatch, *, shown: bool = False) -> int:
    """Say how what was waited for failed, as far as output that was `shown` doesn't; return the exit code for it."""
    if isinstance(ended, GroupWatch):
        text, code = explain_group(ended), ended.exit_code
    else:
        text = explain_job(ended, shown=shown)
        code = exit_status(ended.state, ended.reason, ended.exit_code, ended.signal)
    if text is not None:
        output.note(text)
    return code


def print_document(session: Session, output: Output, watch: JobWatch | GroupWatch) -> None:
    """Print the job, or the group, as JSON."""
    if isinstance(watch, JobWatch):
        output.document(watch.job)
    else:
        output.document(session.run(insist(session.broker, lambda: resolve(session.broker, watch.id))))


def _count_bad(tally: Tally) -> str:
    return f"{tally.unsuccessful:,} not successful" if tally.unsuccessful else ""
