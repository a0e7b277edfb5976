"""The options of a job: what a user gave, on the command line or in a job file, and the spec made of it."""

from __future__ import annotations

import posixpath
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tqcli.core.check import check_spec
from tqcli.core.duration import LONGEST
from tqcli.core.spec import (
    DEFAULT_BACKOFF,
    DEFAULT_GRACE,
    DEFAULT_MAX_LOSSES,
    DEFAULT_QUEUE,
    ISOLATIONS,
    WIRE_VERSION,
    Python,
    Shell,
    Spec,
)
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo

    from tqcli.core.spec import Stdin

_T = TypeVar("_T")
_WORK = ("command", "shell", "python")
_START = ("in_", "at")
_DEFAULT_PRIORITY = "normal"
_NO_ARGS = msgspec.Raw(b"[]")
_NO_KWARGS = msgspec.Raw(b"{}")


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Every option of a job; None where it was not given.

    `shell` is one line; `args` is a JSON array, `kwargs` a JSON object; `expires` counts from the submission; `stdin`
    is a path, or `-`; `array` has the grammar of `core.bulk`. `key` is no part of the spec: the jobs' id is made of it.
    `in_` counts from the submission, and `at` has the grammar of `core.moment`: before that time it does not start.
    """

    command: tuple[str, ...] | None = None
    shell: str | None = None
    python: str | None = None
    args: msgspec.Raw | None = None
    kwargs: msgspec.Raw | None = None
    name: str | None = None
    queue: str | None = None
    priority: str | None = None
    retries: int | None = None
    backoff: str | None = None
    retry_on: str | None = None
    no_retry_on: str | None = None
    timeout: timedelta | None = None
    grace: timedelta | None = None
    expires: timedelta | None = None
    env: dict[str, str] | None = None
    cwd: str | None = None
    stdin: str | None = None
    max_losses: int | None = None
    isolation: str | None = None
    array: str | None = None
    key: str | None = None
    in_: timedelta | None = None
    at: str | None = None


def overlay(base: JobOptions, top: JobOptions) -> JobOptions:
    """Return both: what `top` gives wins, key by key in `env` and `kwargs`; other work or another time wins whole."""
    given: dict[str, Any] = {
        field: value for field in JobOptions.__struct_fields__ if (value := getattr(top, field)) is not None
    }
    if any(field in given for field in _WORK):
        base = msgspec.structs.replace(base, command=None, shell=None, python=None, args=None, kwargs=None)
    if any(field in given for field in _START):
        base = msgspec.structs.replace(base, in_=None, at=None)
    if top.env is not None and base.env is not None:
        given["env"] = {**base.env, **top.env}
    if top.kwargs is not None and base.kwargs is not None:
        both = {**_decode_kwargs(base.kwargs), **_decode_kwargs(top.kwargs)}
        given["kwargs"] = msgspec.Raw(msgspec.json.encode(both))
    return msgspec.structs.replace(base, **given)


def build_spec(  # noqa: PLR0913 - what a spec needs beside the options, each by name
    options: JobOptions,
    *,
    group: str,
    index: int,
    size: int | None,
    now: datetime,
    submitted_by: str | None,
    cwd: str | None,
    stdin: Stdin | None = None,
    not_before: datetime | None = None,
) -> Spec:
    """Return the checked spec of one job.

    `cwd` is the submitter's directory; `stdin`, what `options.stdin` holds; `not_before`, what `read_start` made of
    `in_` and `at`.

    Raises:
        InvalidInput: there is no command or more than one, or an option is wrong; the message names it.
    """
    if options.expires is not None and not timedelta(0) < options.expires <= LONGEST:
        msg = f"expires must be more than 0s and at most {LONGEST.days}d"
        raise InvalidInput(msg, hint="it counts from the submission; leave it out for a job that may wait for ever")
    if options.cwd == "":
        msg = "cwd is empty"
        raise InvalidInput(msg, hint="leave it out for the current directory, or name a directory")
    spec = Spec(
        v=WIRE_VERSION,
        group=group,
        index=index,
        size=size,
        work=build_work(options),
        submitted_at=now,
        submitted_by=submitted_by,
        name=options.name,
        queue=_or(options.queue, DEFAULT_QUEUE),
        priority=_or(options.priority, _DEFAULT_PRIORITY),
        retries=_or(options.retries, 0),
        backoff=_or(options.backoff, DEFAULT_BACKOFF),
        retry_on=options.retry_on,
        no_retry_on=options.no_retry_on,
        timeout=options.timeout,
        grace=_or(options.grace, DEFAULT_GRACE),
        not_before=not_before,
        expires_at=None if options.expires is None else now + options.expires,
        max_losses=_or(options.max_losses, DEFAULT_MAX_LOSSES),
        env=_or(options.env, {}),
        cwd=cwd if options.cwd is None else posixpath.normpath(posixpath.join(cwd or "", options.cwd)),
        cwd_required=options.cwd is not None,
        stdin=stdin,
        isolation=_or(options.isolation, ISOLATIONS[0]),
    )
    check_spec(spec)
    return spec


def read_start(options: JobOptions, now: datetime, load_zone: Callable[[], tzinfo]) -> datetime | None:
    """Return before which time the job must not start; None where it may start `now`.

    Raises:
        InvalidInput: `in_` and `at` are given, or `at` is no time, or one that has passed.
    """
    if options.in_ is not None and options.at is not None:
        msg = "in and at both say when it starts"
        raise InvalidInput(msg, hint="leave one of them out")
    if options.in_ is not None:
        return now + options.in_ if options.in_ else None
    if options.at is None:
        return None
    from tqcli.core.moment import parse_moment  # noqa: PLC0415 - few jobs have one

    try:
        moment = parse_moment(options.at, now=now, zone=load_zone())
    except InvalidInput as error:
        msg = f"at: {error.message}"
        raise InvalidInput(msg, hint=error.hint) from error
    return moment if moment > now else None


def build_work(options: JobOptions) -> Shell | Python:
    """Return what to run.

    Raises:
        InvalidInput: none or several of `command`, `shell` and `python` are given, or arguments without `python`.
    """
    given = [field for field in _WORK if getattr(options, field) is not None]
    if len(given) > 1:
        msg = f"a job runs one thing, not {' and '.join(given)}"
        raise InvalidInput(msg, hint="give one of a command, a shell line or a Python entrypoint")
    if options.python is not None:
        return Python(options.python, args=_or(options.args, _NO_ARGS), kwargs=_or(options.kwargs, _NO_KWARGS))
    if options.args is not None or options.kwargs is not None:
        msg = "arguments were given, but no Python entrypoint"
        raise InvalidInput(msg, hint="give --py package.module:function; a command's arguments follow it")
    if options.shell is not None:
        return Shell((options.shell,), line=True)
    return Shell(options.command or ())


def _or(value: _T | None, default: _T) -> _T:
    return default if value is None else value


def _decode_kwargs(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError as error:
        msg = f"the keyword arguments are no JSON object: {error}"
        raise InvalidInput(msg) from error
