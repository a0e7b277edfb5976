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
    └── SettingsError  78   a context, file or variable is wrong

The number is the exit code. A class's docstring is its message where none is given. A job that does not succeed is
no error: it is an `Outcome` (see `tqcli.core.outcome`).
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
