"""`tq submit`: one job or many, in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from tqcli.cli.options import JobFlags, SendFlags  # noqa: TC001 - read for the command's options
from tqcli.cli.parameter import Argument, Option
from tqcli.cli.sending import build, send
from tqcli.cli.unserved import warn_locally
from tqcli.cli.value import checked
from tqcli.core.bulk import parse_array
from tqcli.errors import TqError, Unknown

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session
    from tqcli.client.build import Submission
    from tqcli.core.ids import JobId

_MANY = "Many jobs at once"


class _Submitted(msgspec.Struct, frozen=True):
    """What `--json` prints: `size` is None for a job of its own; with a key, `existed` says if it was sent before."""

    id: str
    group: str
    size: int | None
    queue: str
    existed: bool | msgspec.UnsetType = msgspec.UNSET


class SubmitFlags(msgspec.Struct, frozen=True, kw_only=True):
    """What only `tq submit` takes."""

    array: Annotated[
        str | None,
        Option(
            "--array",
            metavar="1-100[:STEP]",
            help="a job for each number, which it has in TQ_INDEX",
            parse=checked(parse_array),
            panel=_MANY,
        ),
    ] = None
    each_line: Annotated[
        str | None,
        Option(
            "--each-line",
            metavar="FILE|-",
            help="a job for each line, put in place of {}; without CMD, a line is a shell command",
            complete="file",
            panel=_MANY,
        ),
    ] = None
    wait: Annotated[bool, Option("--wait", help="wait for the end, and end as the job ended")] = False
    follow: Annotated[bool, Option("--follow", help="as --wait, and show what it prints; the id goes to stderr")] = (
        False
    )


def submit(
    tq: Invocation,
    flags: JobFlags,
    sending: SendFlags,
    own: SubmitFlags,
    command: Annotated[list[str] | None, Argument("CMD ARG", help="what to run", verbatim=True)] = None,
) -> int:
    """Submit a job, or many, and print the id: of many, the one id of their group.

    Once the id is printed the job is safe with the broker, and will end, whatever happens to this machine. Blank lines
    of --each-line are skipped; the others are numbered from 1. Within a --shell line, what replaces {} is quoted.

    With --json, the id comes in a document, which says with --key whether the job `existed`; with --wait or --follow
    too, the job itself does, when it has ended. Where Ctrl-C came first, the document has the id.

    Examples:
        tq submit --retries 3 -- ./upload.sh report.pdf
        find . -name '*.flac' | tq submit --each-line - -- flac --decode {}
        tq submit --array 1-100 -- python simulate.py
        tq submit --py reports.build:main --arg month=2026-01
        tq submit -f nightly.toml --priority low
    """
    submission = build(flags, sending, command, array=own.array, each_line=own.each_line)
    with tq.session(agent=own.wait or own.follow) as session:
        return _Submit(session, tq.output, submission).perform(wait=own.wait, follow=own.follow)


class _Submit:
    """One submission."""

    def __init__(self, session: Session, output: Output, submission: Submission) -> None:
        self._session = session
        self._output = output
        self._submission = submission
        self._existed: bool | None = None

    def perform(self, *, wait: bool, follow: bool) -> int:
        """Submit, print the id, do what else was asked for, and return the exit code."""
        first = self._submission.specs[0]
        try:
            job_id, self._existed = send(self._session, self._output, self._submission)
        except Unknown:
            # Whoever repeats it, or looks for it later, needs the id.
            self._print_id(first.group)
            raise
        except KeyboardInterrupt:
            self._print_document(first.group)
            raise
        if not wait and not follow:
            self._deliver_id(str(job_id))
            warn_locally(self._session, self._output)
            return 0
        try:
            return self._follow(job_id) if follow and not self._output.json else self._wait(job_id, follow=follow)
        except KeyboardInterrupt:
            self._output.note(f"tq: job {job_id} goes on; `tq wait {job_id}` waits for it")
            self._print_document(str(job_id))
            raise

    def _follow(self, job_id: JobId) -> int:
        from tqcli.cli.attend import Attendance  # noqa: PLC0415 - most submissions end here
        from tqcli.cli.waiting import be_patient, conclude  # noqa: PLC0415

        self._output.note(str(job_id))
        attendance = Attendance(self._session, self._output, self._submission.specs[0])
        be_patient(self._session, self._output)
        self._session.run(attendance.open())
        self._session.run(attendance.stream(stored=True))
        return conclude(self._output, attendance.ended, shown=True)

    def _wait(self, job_id: JobId, *, follow: bool) -> int:
        from tqcli.cli.waiting import conclude, print_document, wait  # noqa: PLC0415 - most submissions end here
        from tqcli.client.watch import JobWatch  # noqa: PLC0415

        if not self._output.json and not follow:
            self._deliver_id(str(job_id))
        (watch,) = wait(self._session, self._output, [job_id])
        if self._output.json:
            print_document(self._session, self._output, watch)
        return conclude(self._output, watch.job if isinstance(watch, JobWatch) else watch)

    def _deliver_id(self, text: str) -> None:
        """Print the id of what was accepted: whoever does not get it would submit it again."""
        try:
            self._print_id(text)
        except TqError as error:
            msg = f"job {text} was accepted, but {error.message}"
            raise Unknown(msg, hint=f"`tq status {text}` shows it; repeating submits another one") from error

    def _print_id(self, text: str) -> None:
        self._print_document(text)
        if not self._output.json:
            self._output.line(text)

    def _print_document(self, text: str) -> None:
        """Print the id where JSON was asked for; a note has told it otherwise."""
        if self._output.json:
            first = self._submission.specs[0]
            existed = msgspec.UNSET if self._existed is None else self._existed
            self._output.document(_Submitted(text, first.group, first.size, first.queue, existed))
