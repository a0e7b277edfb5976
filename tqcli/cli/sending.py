"""Sending what the command line asks for, as `tq run` and `tq submit` do."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tqcli.client.build import build_submission
from tqcli.client.origin import load_origin
from tqcli.client.submit import submit
from tqcli.core.ids import JobId
from tqcli.core.options import overlay
from tqcli.errors import InvalidInput, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tqcli.cli.options import JobFlags, SendFlags
    from tqcli.cli.output import Output
    from tqcli.cli.progress import Progress
    from tqcli.cli.session import Session
    from tqcli.client.build import Submission


def build(
    flags: JobFlags,
    sending: SendFlags,
    command: Sequence[str] | None,
    *,
    array: str | None = None,
    each_line: str | None = None,
) -> Submission:
    """Return the checked jobs that a command line asks for.

    Raises:
        InvalidInput: something in it is wrong; nothing was sent.
    """
    if flags.file == "":
        msg = "--file: no file is named"
        raise InvalidInput(msg, hint="give a job file's name, as in -f nightly.toml")
    options = overlay(flags.job_options(command), sending.job_options())
    if array is not None:
        options = msgspec.structs.replace(options, array=array)
    return build_submission(options, load_origin(options.key), each_line=each_line)


class Sent(NamedTuple):
    """The id that stands for all that was sent; `existed` where it was sent before, None without a key."""

    id: JobId
    existed: bool | None


def send(session: Session, output: Output, submission: Submission) -> Sent:
    """Send it; `@last` means it from now on. Where it has a key, what is there already is not sent again.

    Raises:
        NotFound: there is no such queue.
        Conflict: other jobs have the key.
        Unavailable, QueueFull, Unknown: the broker did not take it, or not surely.
    """
    job_id = JobId(submission.specs[0].group)
    try:
        existed = _send(session, output, submission)
    except Unknown:
        session.remember(job_id)
        raise
    except KeyboardInterrupt:
        session.remember(job_id)
        output.note(f"interrupted: job {job_id} may be submitted, whole or in part; `tq cancel {job_id}` ends it")
        raise
    session.remember(job_id)
    return Sent(job_id, existed)


def _send(session: Session, output: Output, submission: Submission) -> bool | None:
    specs, payload, key = submission
    progress: Callable[[int], None] | None = None
    with ExitStack() as stack:
        if len(specs) > 1 and output.shows_progress:
            from tqcli.cli.progress import show_progress  # noqa: PLC0415 - only a group on a terminal has a bar

            bar = stack.enter_context(show_progress(output, "submitting"))
            progress = partial(_advance, bar, len(specs))
        if key is None:
            session.run(submit(session.broker, specs, payload=payload, progress=progress))
            return None
        from tqcli.client.once import submit_once  # noqa: PLC0415 - few submissions have a key

        before = session.run(submit_once(session.broker, specs, payload=payload, progress=progress))
    if before is None:
        return False
    output.note(f"job {specs[0].group} was submitted before with this key")
    if all(before.work != spec.work for spec in specs if spec.index == before.index):
        output.note(f"tq: it runs something else than this one: `tq status {before.id}` shows what; nothing was sent")
    return True


def _advance(bar: Progress, total: int, done: int) -> None:
    bar.update(done, total)
