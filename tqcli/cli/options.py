"""The options of a job, as commands share them: `def submit(tq: Invocation, flags: JobFlags, …)`."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from tqcli.cli.common import name_option, queue_option
from tqcli.cli.parameter import Option
from tqcli.cli.value import checked, positive_duration, whole_number
from tqcli.core.backoff import parse_backoff
from tqcli.core.check import MAX_LOSSES, MAX_RETRIES, check_entrypoint
from tqcli.core.codes import parse_codes
from tqcli.core.names import check_label, quote
from tqcli.core.options import JobOptions, overlay
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN = (
    "name", "queue", "priority", "retries", "backoff", "retry_on", "no_retry_on", "timeout", "grace", "expires", "cwd",
    "stdin", "max_losses", "isolation",
)  # fmt: skip
"""What a flag and a job file call alike, and hold alike."""

_RETRY, _RUN, _PYTHON = "Retries and time", "How it runs", "Python"


class JobFlags(msgspec.Struct, frozen=True, kw_only=True):
    """What was given on the command line; None or empty where nothing was."""

    queue: Annotated[str | None, queue_option("the queue it waits in (default)")] = None
    name: Annotated[str | None, name_option("what to call it in lists")] = None
    priority: Annotated[
        Literal["high", "normal", "low"] | None, Option("--priority", help="before or after others of its queue")
    ] = None
    file: Annotated[
        str | None, Option("-f", "--file", metavar="JOB.toml", help="a job file; options win over it", complete="toml")
    ] = None
    retries: Annotated[
        int | None,
        Option(
            "--retries",
            metavar="N",
            help="run it again, up to N times",
            parse=whole_number(0, MAX_RETRIES),
            panel=_RETRY,
        ),
    ] = None
    backoff: Annotated[
        str | None,
        Option(
            "--backoff",
            metavar="RULE",
            help="pause before a retry: exp:1s..5m, fixed:10s or none",
            parse=checked(parse_backoff),
            panel=_RETRY,
        ),
    ] = None
    retry_on: Annotated[
        str | None,
        Option(
            "--retry-on",
            metavar="CODES",
            help="retry only after these: 1,75,100-110,signal,timeout",
            parse=checked(parse_codes),
            panel=_RETRY,
        ),
    ] = None
    no_retry_on: Annotated[
        str | None,
        Option(
            "--no-retry-on",
            metavar="CODES",
            help="don't retry after these",
            parse=checked(parse_codes),
            panel=_RETRY,
        ),
    ] = None
    timeout: Annotated[
        timedelta | None,
        Option(
            "--timeout",
            metavar="D",
            help="stop an attempt after this long: 90s, 1h30m",
            parse=positive_duration,
            panel=_RETRY,
        ),
    ] = None
    grace: Annotated[
        timedelta | None, Option("--grace", metavar="D", help="time between TERM and KILL (10s)", panel=_RETRY)
    ] = None
    expires: Annotated[
        timedelta | None,
        Option(
            "--expires",
            metavar="D",
            help="give up if it has not started by then",
            parse=positive_duration,
            panel=_RETRY,
        ),
    ] = None
    max_losses: Annotated[
        int | None,
        Option(
            "--max-losses",
            metavar="N",
            help="fail it when more than N agents died under it (3)",
            parse=whole_number(0, MAX_LOSSES),
            panel=_RETRY,
        ),
    ] = None
    env: Annotated[
        list[str] | None,
        Option("-e", "--env", metavar="K=V", help="set a variable for it; K alone passes yours on", panel=_RUN),
    ] = None
    cwd: Annotated[
        str | None,
        Option("--cwd", metavar="DIR", help="run it in this directory only", complete="directory", panel=_RUN),
    ] = None
    stdin: Annotated[
        str | None, Option("--stdin", metavar="FILE|-", help="what it reads (nothing)", complete="file", panel=_RUN)
    ] = None
    shell: Annotated[bool, Option("--shell", help="the command is a line for /bin/sh", panel=_RUN)] = False
    python: Annotated[
        str | None,
        Option("--py", metavar="MODULE:FUNC", help="call this Python function", parse=check_entrypoint, panel=_PYTHON),
    ] = None
    arg: Annotated[
        list[str] | None,
        Option("--arg", metavar="K=V", help="a keyword argument; V is JSON where it can be, else text", panel=_PYTHON),
    ] = None
    args: Annotated[
        str | None, Option("--args", metavar="JSON", help="its positional arguments, as a JSON array", panel=_PYTHON)
    ] = None
    isolation: Annotated[
        Literal["process", "fresh"] | None,
        Option("--isolation", help="a warm process, used again after it, or a fresh one", panel=_PYTHON),
    ] = None

    def job_options(self, command: Sequence[str] | None = None) -> JobOptions:
        """Return the options with `command` (None or empty: none given), laid over those of the job file.

        Raises:
            InvalidInput: the job file or an option is wrong.
        """
        given = self._read_work(command)
        plain = {name: getattr(self, name) for name in _PLAIN}
        given = msgspec.structs.replace(given, env=_read_env(self.env), **plain)
        if self.file is None:
            return given
        from pathlib import Path  # noqa: PLC0415 - only a job file needs these two

        from tqcli.client.jobfile import load_jobfile  # noqa: PLC0415

        return overlay(load_jobfile(Path(self.file)), given)

    def _read_work(self, command: Sequence[str] | None) -> JobOptions:
        args, kwargs = _read_args(self.args), _read_kwargs(self.arg)
        if self.python is not None:
            if command:
                msg = f"--py names what to run, and so does {quote(' '.join(command))}"
                raise InvalidInput(msg, hint="give arguments of a Python function with --arg K=V or --args JSON")
            return JobOptions(python=self.python, args=args, kwargs=kwargs)
        if self.shell:
            if not command:
                msg = "--shell needs a line to run"
                raise InvalidInput(msg, hint="quote it after --, as in: --shell -- 'sort data | uniq -c'")
            # As ssh does: several words are one line.
            return JobOptions(shell=" ".join(command), args=args, kwargs=kwargs)
        return JobOptions(command=tuple(command) if command else None, args=args, kwargs=kwargs)


class SendFlags(msgspec.Struct, frozen=True, kw_only=True):
    """What only those take that send the job themselves, `tq run` and `tq submit`."""

    key: Annotated[
        str | None,
        Option(
            "--key",
            metavar="KEY",
            help="submit one job at most with this key, however often tried",
            parse=partial(check_label, noun="key"),
        ),
    ] = None
    in_: Annotated[
        timedelta | None, Option("--in", metavar="D", help="start it after this long: 90s, 2h", panel=_RETRY)
    ] = None
    at: Annotated[
        str | None, Option("--at", metavar="T", help="start it at this time: 17:30, 'tomorrow 9:00'", panel=_RETRY)
    ] = None

    def job_options(self) -> JobOptions:
        """Return these options alone."""
        return JobOptions(key=self.key, in_=self.in_, at=self.at)


def _split_pair(text: str, *, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        msg = f"{option}: {quote(text)} is not KEY=VALUE"
        raise InvalidInput(msg, hint=f"write {option} name=value")
    return key, value


def _read_env(pairs: Sequence[str] | None) -> dict[str, str] | None:
    """Return the variables; a name alone takes its value from our own environment, as in `docker run -e`."""
    if pairs is None:
        return None
    env = {}
    for pair in pairs:
        if pair and "=" not in pair:
            if pair not in os.environ:
                msg = f"--env: {quote(pair)} is not set here, so there is no value to pass on"
                raise InvalidInput(msg, hint=f"write -e {pair}=VALUE" if pair.isidentifier() else "write -e KEY=VALUE")
            env[pair] = os.environ[pair]
        else:
            key, value = _split_pair(pair, option="--env")
            env[key] = value
    return env


def _read_args(text: str | None) -> msgspec.Raw | None:
    if text is None:
        return None
    try:
        values = msgspec.json.decode(text, type=list)
    except (msgspec.DecodeError, UnicodeError) as error:
        msg = f"--args: {quote(text)} is not a JSON array: {error}"
        raise InvalidInput(msg, hint="write --args '[1, \"two\"]'") from error
    return msgspec.Raw(msgspec.json.encode(values))


def _read_kwargs(pairs: Sequence[str] | None) -> msgspec.Raw | None:
    if pairs is None:
        return None
    values = {}
    for pair in pairs:
        key, text = _split_pair(pair, option="--arg")
        if not key.isidentifier():
            msg = f"--arg: {quote(key)} can't name an argument of a Python function"
            raise InvalidInput(msg, hint="write --arg name=value")
        values[key] = _read_json_or_text(text)
    return msgspec.Raw(msgspec.json.encode(values))


def _read_json_or_text(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return text
