"""Every error that tq raises, split by who must act.

::

    TqError                 an operation that can't be done
    ├── InvalidInput    2   the user's words are wrong; nothing was sent
    ├── NotFound        3   no such job, queue, agent, context
    ├── Conflict        4   someone else was first
    ├── CorruptRecord  65   stored bytes that tq can't read
    ├── Unavailable    69   the broker can't be reached, or can't take it; transient
    │   └── QueueFull       the stream's limit is reached
    ├── Unknown        75   it may have happened; repeating is safe
    ├── Forbidden      77   the broker refuses this user
    ├── SettingsError  78   a context, file or variable is wrong
    └── NoResult            what a Python program asked a job for, and the job has not: no command raises it
        ├── JobFailed       it ended, without success
        │   ├── JobCancelled
        │   └── JobExpired
        └── NotEnded        it did not end within the time; also a TimeoutError

The number is the exit code. A class's docstring is its message where none is given. A job that does not succeed is
no error: it is an `Outcome` (see `tqcli.core.outcome`). Only who asks for its result is told by an exception.
"""

from __future__ import annotations


class TqError(Exception):
    """The operation can't be done."""

    exit_code = 70

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        """`message` says what happened to which thing; `hint`, what to do next."""
        self.message = message if message is not None else (type(self).__doc__ or "").strip()
        self.hint = hint
        super().__init__(self.message)
        if hint is not None:
            self.add_note(f"hint: {hint}")  # where Python shows it


class InvalidInput(TqError):
    """The input is not valid."""

    exit_code = 2


class NotFound(TqError):
    """There is no such thing."""

    exit_code = 3


class Conflict(TqError):
    """Someone else was first."""

    exit_code = 4


class CorruptRecord(TqError):
    """A stored record can't be read."""

    exit_code = 65


class Unavailable(TqError):
    """The broker can't be reached."""

    exit_code = 69


class QueueFull(Unavailable):
    """The stream is full: the job was not accepted."""


class Unknown(TqError):
    """The broker did not confirm in time; it may have happened."""

    exit_code = 75


class Forbidden(TqError):
    """The broker refuses this user."""

    exit_code = 77


class SettingsError(TqError):
    """A setting is wrong."""

    exit_code = 78


class NoResult(TqError):
    """The job has no result."""

    exit_code = 1


class JobFailed(NoResult):
    """The job did not succeed.

    `type`, `message` and `traceback` are those of the exception that its function raised, as text: `type` is None where
    the job failed in another way, which `state` and `reason` tell in tq's words. `job` is its id.
    """

    def __init__(  # noqa: PLR0913 - each by name
        self,
        words: str,
        *,
        job: str,
        state: str,
        reason: str | None = None,
        type: str | None = None,  # noqa: A002 - the word of `Failure`
        message: str | None = None,
        traceback: str | None = None,
    ) -> None:
        """`words` say which job failed, and how; with `traceback`, Python shows it below them."""
        super().__init__(words)
        self.message = words if message is None else message
        self.job = job
        self.state = state
        self.reason = reason
        self.type = type
        self.traceback = traceback
        if traceback is not None:
            self.add_note(f"The job's own traceback:\n{traceback}")


class JobCancelled(JobFailed):
    """The job was cancelled."""


class JobExpired(JobFailed):
    """The job was too late to start."""


class NotEnded(NoResult, TimeoutError):
    """The job has not ended within the time."""
