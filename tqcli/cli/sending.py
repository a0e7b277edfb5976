"""Sending what the command line asks for, as `tq run` and `tq submit` do."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from tqcli.client.build import build_submission
from tqcli.client.origin import load_origin
from tqcli.client.submit import submit
from tqcli.core.ids import JobId
from tqcli.errors import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tqcli.cli.options import JobFlags
    from tqcli.cli.output import Output
    from tqcli.cli.progress import Progress
    from tqcli.cli.session import Session
    from tqcli.client.build import Submission


def build(
    flags: JobFlags, command: Sequence[str] | None, *, array: str | None = None, each_line: str | None = None
) -> Submission:
    """Return the checked jobs that a command line asks for.

    Raises:
        InvalidInput: something in it is wrong; nothing was sent.
    """
    options = flags.job_options(command)
    if array is not None:
        options = msgspec.structs.replace(options, array=array)
    return build_submission(options, load_origin(flags.key), each_line=each_line)


def send(session: Session, output: Output, submission: Submission, *, once: bool) -> JobId:
    """Send it and return the id that stands for all of it, which `@last` means from now on.

    With `once`, its id was derived from a key: what is there already is not sent again.

    Raises:
        NotFound: there is no such queue.
        Conflict: other jobs have the key.
        Unavailable, QueueFull, Unknown: the broker did not take it, or not surely.
    """
    job_id = JobId(submission.specs[0].group)
    try:
        _send(session, output, submission, once=once)
    except Unknown:
        session.remember(job_id)
        raise
    except KeyboardInterrupt:
        output.note(f"interrupted: job {job_id} may be submitted, whole or in part; `tq cancel {job_id}` ends it")
        raise
    session.remember(job_id)
    return job_id


def _send(session: Session, output: Output, submission: Submission, *, once: bool) -> None:
    specs, payload = submission
    progress: Callable[[int], None] | None = None
    with ExitStack() as stack:
        if len(specs) > 1 and output.shows_progress:
            from tqcli.cli.progress import show_progress  # noqa: PLC0415 - only a group on a terminal has a bar

            bar = stack.enter_context(show_progress(output, "submitting"))
            progress = partial(_advance, bar, len(specs))
        if not once:
            session.run(submit(session.broker, specs, payload=payload, progress=progress))
            return
        from tqcli.client.once import submit_once  # noqa: PLC0415 - few submissions have a key

        is_new = session.run(submit_once(session.broker, specs, payload=payload, progress=progress))
    if not is_new:
        output.note(f"job {specs[0].group} was submitted before with this key")


def _advance(bar: Progress, total: int, done: int) -> None:
    bar.update(done, total)
