"""How a process that stands for a job ends: `tq run`, `tq wait`, `tq submit --wait`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.core.state import Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_ERROR = 1
EXIT_UNKNOWN = 75
EXIT_REJECTED = 77
EXIT_TIMEOUT = 124
EXIT_NOT_STARTED = 126
EXIT_SIGNAL_BASE = 128
EXIT_CANCELLED = 130


def exit_status(state: State, reason: Reason | None, exit_code: int | None, signal: int | None) -> int:
    """Return the exit code that tells how a job ended; 75 where it has not ended, so that nobody takes it for success.

    >>> exit_status(State.FAILED, Reason.SIGNAL, None, 9)
    137
    """
    match state:
        case State.SUCCEEDED:
            return 0
        case State.CANCELLED:
            return EXIT_CANCELLED
        case State.EXPIRED:
            return EXIT_TIMEOUT
        case State.FAILED:
            return _failed(reason, exit_code, signal)
        case _:
            return EXIT_UNKNOWN


def _failed(reason: Reason | None, exit_code: int | None, signal: int | None) -> int:
    """Return the exit code of a failed job: never 0, whatever its record lacks."""
    match reason:
        case Reason.EXIT | Reason.ERROR | None:
            return exit_code or EXIT_ERROR
        case Reason.SIGNAL:
            return EXIT_SIGNAL_BASE + (signal or 0)
        case Reason.TIMEOUT:
            return EXIT_TIMEOUT
        case Reason.NOT_STARTED:
            return exit_code or EXIT_NOT_STARTED
        case Reason.LOST:
            return EXIT_UNKNOWN
        case Reason.REJECTED:
            return EXIT_REJECTED


def worst(codes: Iterable[int]) -> int:
    """Return the exit code for several jobs: the highest, 0 for none."""
    return max(codes, default=0)
