"""How a job ended, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tqcli.core.state import Reason, State

if TYPE_CHECKING:
    from tqcli.core.outcome import Failure


class Ended(Protocol):
    """What the words are made of: a `Job` or a `Record`."""

    @property
    def state(self) -> State:
        """Where it is."""
        ...

    @property
    def reason(self) -> Reason | None:
        """Why it failed."""
        ...

    @property
    def exit_code(self) -> int | None:
        """The command's exit code."""
        ...

    @property
    def signal(self) -> int | None:
        """The signal that ended the command."""
        ...

    @property
    def error(self) -> Failure | None:
        """The failure in words."""
        ...


def describe_end(job: Ended) -> str:
    """Return how a job ended, on one line; its state where it has not."""
    if job.state is not State.FAILED:
        return str(job.state)
    match job.reason:
        case Reason.EXIT:
            return f"failed with exit code {job.exit_code}"
        case Reason.SIGNAL:
            return f"failed: ended by {name_signal(job.signal or 0)}"
        case Reason.TIMEOUT:
            return "failed: timed out"
        case Reason.NOT_STARTED:
            return f"failed: could not be started ({job.exit_code})"
        case Reason.LOST:
            return "failed: lost with its agents"
        case Reason.REJECTED:
            return "failed: rejected"
        case Reason.ERROR:
            return f"failed: {_first_line(job.error)}"
        case None:
            return "failed"


def describe_failure(failure: Failure) -> str:
    """Return a failure's kind and its whole message.

    >>> from tqcli.core.outcome import Failure
    >>> describe_failure(Failure("ValueError", "no such month")), describe_failure(Failure("KeyError", ""))
    ('ValueError: no such month', 'KeyError')
    """
    return f"{failure.type}: {failure.message}" if failure.message else failure.type


def name_signal(number: int) -> str:
    """Return a signal's name and number.

    >>> name_signal(9), name_signal(99)
    ('SIGKILL (9)', 'signal 99')
    """
    from signal import Signals  # noqa: PLC0415 - only a job that a signal ended needs its name

    try:
        return f"{Signals(number).name} ({number})"
    except ValueError:
        return f"signal {number}"


def _first_line(error: Failure | None) -> str:
    if error is None:
        return "an error"
    return describe_failure(error).splitlines()[0]
