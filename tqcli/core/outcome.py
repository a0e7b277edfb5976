"""What one attempt did: facts, a closed set. What follows from them is `tqcli.core.verdict`."""

from __future__ import annotations

import msgspec

from tqcli.core.spec import Stored


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A failure in words: a Python exception, or why a program could not start."""

    type: str
    message: str
    traceback: str | None = None


class Exited(msgspec.Struct, frozen=True):
    """The command ended by itself, with this exit code."""

    code: int


class Signalled(msgspec.Struct, frozen=True):
    """A signal that tq did not send ended the command."""

    signal: int


class TimedOut(msgspec.Struct, frozen=True):
    """The attempt outlived its `timeout` and was stopped."""


class NotStarted(msgspec.Struct, frozen=True):
    """The program could not be started; `code` is 126 (not executable, no directory) or 127 (not found)."""

    code: int
    failure: Failure


class Returned(msgspec.Struct, frozen=True):
    """A Python entrypoint returned; `value` is JSON, or `stored` has it, where it is too large for a record."""

    value: msgspec.Raw
    stored: Stored | None = None


class Raised(msgspec.Struct, frozen=True):
    """A Python entrypoint raised; `kinds` names the exception's class and those it is derived from."""

    failure: Failure
    kinds: tuple[str, ...] = ()


class Rejected(msgspec.Struct, frozen=True):
    """The agent refuses to run it: unreadable, or against its policy."""

    failure: Failure


class Expired(msgspec.Struct, frozen=True):
    """The job's `expires_at` had passed before it could start."""


class Lost(msgspec.Struct, frozen=True):
    """The agent that ran it went silent; nobody knows how the attempt ended."""

    agent: str


class Interrupted(msgspec.Struct, frozen=True):
    """The agent had to give it up (it was stopped): not the job's fault, so it does not count."""


Outcome = Exited | Signalled | TimedOut | NotStarted | Returned | Raised | Rejected | Expired | Lost | Interrupted
