"""`tq run`: a command as a job, in the foreground."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from tqcli.cli.attend import Attendance
from tqcli.cli.options import JobFlags, SendFlags  # noqa: TC001 - read for the command's options
from tqcli.cli.parameter import Argument
from tqcli.cli.sending import build, send
from tqcli.cli.signals import Signals
from tqcli.cli.waiting import be_patient, conclude, print_document, wait
from tqcli.client.patience import insist
from tqcli.core.exit_status import EXIT_CANCELLED
from tqcli.core.ids import JobId
from tqcli.errors import Conflict, NotFound, TqError
from tqcli.jetstream.control import await_end
from tqcli.jetstream.plain import Interrupted

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session
    from tqcli.client.build import Submission

_KILL_TIME = timedelta(seconds=2)


def run(
    tq: Invocation,
    flags: JobFlags,
    sending: SendFlags,
    command: Annotated[list[str] | None, Argument("CMD ARG", help="what to run", verbatim=True)] = None,
) -> int:
    """Run a command as a job, show what it prints as it prints it, and end as it ends.

    What the job writes to stdout comes on stdout, what it writes to stderr on stderr, byte for byte. With no context
    and nothing running, tq brings a server and an agent of its own for as long as the job lasts.

    Ctrl-C cancels the job and waits until its processes are gone; a second one leaves at once. With --json the job's
    output is not shown: the job is printed as one document when it has ended, and `tq logs` has its output.

    Examples:
        tq run -- make test
        tq run -q gpu --timeout 2h --retries 2 -- python train.py
        tq run --shell -- 'sort data.csv | uniq -c > counts.txt'
        tq run --py reports.build:main --arg month=2026-01
    """
    submission = build(flags, sending, command)
    with tq.session(agent=True) as session, Signals(session.link) as signals:
        return _Run(session, tq.output, submission, signals).perform()


class _Run:
    """One job in the foreground."""

    def __init__(self, session: Session, output: Output, submission: Submission, signals: Signals) -> None:
        self._session = session
        self._output = output
        self._submission = submission
        self._signals = signals
        self._holder: str | None = None
        self._is_told = False
        self._id = JobId(submission.specs[0].group)
        self._attendance = Attendance(session, output, submission.specs[0])

    def perform(self) -> int:
        """Submit it, attend to it, and return its exit code."""
        try:
            self._session.run(self._attendance.open())
            send(self._session, self._output, self._submission)
        except Interrupted:
            # It may be queued, or not: nobody knows yet.
            self._cancel_quietly()
            return EXIT_CANCELLED
        be_patient(self._session, self._output)
        cancelling = False
        while True:
            try:
                if cancelling:
                    self._cancel()
                return self._attend(cancelling=cancelling)
            except Interrupted:
                if self._signals.count > 1:
                    self._attendance.say(f"job {self._id} is left alone: `tq status {self._id}` shows it")
                    return EXIT_CANCELLED
                cancelling = True
            except SystemExit:
                # Nobody reads our stdout any more: as for any filter, that is the end.
                self._cancel_quietly()
                raise

    def _attend(self, *, cancelling: bool) -> int:
        if self._output.json:
            (watch,) = wait(self._session, self._output, [self._id])
            self._await_end()
            print_document(self._session, self._output, watch)
            return watch.exit_code
        self._session.run(self._attendance.stream(stored=self._submission.key is not None and not cancelling))
        if cancelling:
            self._session.run(self._attendance.linger())
            self._await_end()
            self._session.run(self._attendance.linger())
        return conclude(self._output, self._attendance.ended, shown=True)

    def _cancel(self) -> None:
        """Cancel the job, as soon as the broker can be asked to."""
        from tqcli.client.cancel import cancel  # noqa: PLC0415 - most jobs are left to end

        if not self._is_told:
            self._is_told = True
            self._attendance.say(f"cancelling job {self._id}; Ctrl-C again leaves at once")
        broker = self._session.broker
        with suppress(Conflict, NotFound):  # it has ended
            self._holder = self._session.run(insist(broker, lambda: cancel(broker, self._id))).agent

    def _await_end(self) -> None:
        """Wait until the agent that ran the job says that nothing of it runs there any more."""
        first = self._submission.specs[0]
        if self._holder is not None:
            within = first.grace + _KILL_TIME
            self._session.run(await_end(self._session.broker, self._holder, first.group, first.index, within=within))

    def _cancel_quietly(self) -> None:
        """Cancel the job if that can be done now."""
        from tqcli.client.cancel import cancel  # noqa: PLC0415 - as above

        with suppress(TqError, Interrupted):
            self._session.run(cancel(self._session.broker, self._id))
