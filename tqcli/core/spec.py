"""A job's spec: what the user asked for. Immutable, and the body of the job's message.

Encoded as JSON by `tqcli.core.codec`; fields that hold their default are left out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from tqcli.core.ids import JobId

PRIORITIES = ("high", "normal", "low")
ISOLATIONS = ("process", "fresh")
DEFAULT_QUEUE = "default"
DEFAULT_BACKOFF = "exp:1s..5m"
DEFAULT_GRACE = timedelta(seconds=10)
DEFAULT_MAX_LOSSES = 3
WIRE_VERSION = 1

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time that says its zone: one without is not decoded."""

_EMPTY_ARRAY = msgspec.Raw(b"[]")
_EMPTY_OBJECT = msgspec.Raw(b"{}")


class Shell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="shell", tag_field="kind"):
    """A program with its arguments; with `line`, one line for `/bin/sh -c` in `argv[0]`."""

    argv: tuple[str, ...]
    line: bool = False


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object in the broker's store: its `digest` (SHA-256, hex), and its size in bytes."""

    digest: str
    size: int


class Python(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="python", tag_field="kind"
):
    """A Python function `module:function`; `args` is a JSON array, `kwargs` a JSON object.

    Where they are too large for a message, `stored` is an object with both: `{"args": […], "kwargs": {…}}`.
    """

    entrypoint: str
    args: msgspec.Raw = _EMPTY_ARRAY
    kwargs: msgspec.Raw = _EMPTY_OBJECT
    stored: Stored | None = None


class Stdin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The job's standard input: `data` itself, or the `digest` (SHA-256, hex) of a stored object; `size` in bytes."""

    size: int
    data: bytes | None = None
    digest: str | None = None


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One job as its user asked for it.

    `group` and `index` name it; `size` is the number of jobs in the group, None for a job of its own (index 0).
    `backoff` has the grammar of `core.backoff`, `retry_on` and `no_retry_on` that of `core.codes`.
    `retry_on_errors` and `no_retry_on_errors` name kinds of exceptions (`core.kinds`).
    A Python job with `isolation` "fresh" gets a new process, another one may get a warm worker, alone in it.
    `cwd` is the submitter's directory, used where it exists; with `cwd_required` its absence fails the attempt.
    It does not start before `not_before`. `schedule` names what submitted it, and `scheduled_at` the planned time.
    """

    v: int
    group: str
    work: Shell | Python
    submitted_at: Moment
    submitted_by: str | None = None
    index: int = 0
    size: int | None = None
    name: str | None = None
    queue: str = DEFAULT_QUEUE
    priority: str = "normal"
    retries: int = 0
    backoff: str = DEFAULT_BACKOFF
    retry_on: str | None = None
    no_retry_on: str | None = None
    retry_on_errors: tuple[str, ...] = ()
    no_retry_on_errors: tuple[str, ...] = ()
    timeout: timedelta | None = None
    grace: timedelta = DEFAULT_GRACE
    not_before: Moment | None = None
    expires_at: Moment | None = None
    max_losses: int = DEFAULT_MAX_LOSSES
    env: dict[str, str] = {}
    cwd: str | None = None
    cwd_required: bool = False
    stdin: Stdin | None = None
    isolation: str = ISOLATIONS[0]
    retry_of: str | None = None
    schedule: str | None = None
    scheduled_at: Moment | None = None

    @property
    def id(self) -> JobId:
        """The job's id: its group, and its index where it is one of several."""
        return JobId(self.group, None if self.size is None else self.index)
