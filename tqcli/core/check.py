"""What a spec may mean: names, ranges and grammars, beyond its types.

Submitters check before they send (`InvalidInput`), agents before they run (`Rejected`), because anything may have been
published. A plain spec passes in a few microseconds: the bulk submit calls this for each job.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.backoff import parse_backoff
from tqcli.core.codes import parse_codes
from tqcli.core.duration import LONGEST
from tqcli.core.ids import is_group_id, parse_job_id
from tqcli.core.kinds import check_kinds
from tqcli.core.names import check_label, check_name, quote
from tqcli.core.nearest import did_you_mean
from tqcli.core.spec import (
    DEFAULT_BACKOFF,
    DEFAULT_GRACE,
    DEFAULT_QUEUE,
    ISOLATIONS,
    PRIORITIES,
    WIRE_VERSION,
    Python,
    Shell,
)
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tqcli.core.spec import Spec, Stdin

MAX_ENV_BYTES = 128 * 1024
MAX_RETRIES = 10_000
MAX_LOSSES = 1_000
MAX_SLOTS = 10_000
MAX_GROUP = 1_000_000
MAX_INDEX = 999_999_999
RESERVED_ENV = "TQ_"
LAST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)
"""Beyond what any option can ask for. The server counts nanoseconds, which end in 2262."""

_SHA256_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO = timedelta(0)
_array_decoder = msgspec.json.Decoder(list)
_object_decoder = msgspec.json.Decoder(dict)


def check_spec(spec: Spec) -> None:
    """Return where every field of `spec` makes sense.

    Raises:
        InvalidInput: a field does not; the message names it and its value.
    """
    _check_identity(spec)
    _check_work(spec.work)
    _check_rules(spec)
    if spec.env:
        check_env(spec.env)
    if spec.cwd is not None:
        check_text((spec.cwd,), noun="the working directory")
        if not spec.cwd.startswith("/"):
            msg = f"the working directory {quote(spec.cwd)} is not an absolute path"
            raise InvalidInput(msg)
    if spec.stdin is not None:
        _check_stdin(spec.stdin)


def check_text(texts: Iterable[str], *, noun: str) -> None:
    """Return where a program can be given each of `texts`: valid UTF-8 without NUL.

    Raises:
        InvalidInput: one of them isn't; the message says which, counting from 1.
    """
    listed = tuple(texts)
    joined = "".join(listed)
    if joined.isascii() and "\0" not in joined:
        return
    for number, text in enumerate(listed, start=1):
        which = noun if len(listed) == 1 else f"{noun} {number}"
        if "\0" in text:
            msg = f"{which} contains a NUL byte: {quote(text)}"
            raise InvalidInput(msg, hint="no program can be given one; pass binary data with --stdin")
        try:
            text.encode()
        except UnicodeEncodeError:
            msg = f"{which} is not valid UTF-8: {quote(text)}"
            raise InvalidInput(
                msg, hint="pass binary data with --stdin; a file of such a name must be renamed"
            ) from None


def check_env(env: dict[str, str]) -> None:
    """Return where a job can be given this environment.

    Raises:
        InvalidInput: a name is empty, has a `=` or is reserved, a value is not valid UTF-8, or all of it is too much.
    """
    for key in env:
        if not key or "=" in key:
            msg = f"{quote(key)} can't name an environment variable"
            raise InvalidInput(msg, hint="write -e KEY=VALUE")
        if key.startswith(RESERVED_ENV):
            msg = f"the environment variable {quote(key)} is reserved: tq sets {RESERVED_ENV}… itself"
            raise InvalidInput(msg, hint="choose a name that does not start with TQ_")
    for key, value in env.items():
        check_text((key,), noun="the environment variable's name")
        check_text((value,), noun=f"the environment variable {quote(key)}")
    # As the kernel counts them: KEY=VALUE and a NUL.
    size = sum(len(key.encode()) + len(value.encode()) + 2 for key, value in env.items())
    if size > MAX_ENV_BYTES:
        msg = f"the environment is too big: {size:,} bytes of at most {MAX_ENV_BYTES:,}"
        raise InvalidInput(msg, hint="put large values into a file, and its name into the environment")


def _check_identity(spec: Spec) -> None:
    if spec.v != WIRE_VERSION:
        msg = f"the job has version {spec.v}, this tq knows version {WIRE_VERSION}"
        raise InvalidInput(msg, hint="use the same release of tq everywhere")
    if not is_group_id(spec.group):
        msg = f"{quote(spec.group)} is not the id of a group"
        raise InvalidInput(msg)
    check_range("the index", spec.index, 0, 0 if spec.size is None else MAX_INDEX)
    if spec.size is not None:
        check_range("the group's size", spec.size, 1, MAX_GROUP)
    if spec.queue != DEFAULT_QUEUE:
        check_name(spec.queue, noun="queue")
    if spec.name is not None:
        check_label(spec.name, noun="job's name")
    if spec.submitted_by is not None:
        check_label(spec.submitted_by, noun="submitter")
    if spec.retry_of is not None:
        parse_job_id(spec.retry_of)
    if spec.schedule is not None:
        check_name(spec.schedule, noun="schedule")


def _check_rules(spec: Spec) -> None:
    if spec.priority not in PRIORITIES:
        msg = f"{quote(spec.priority)} is not a priority"
        raise InvalidInput(msg, hint=did_you_mean(spec.priority, PRIORITIES))
    if spec.isolation not in ISOLATIONS:
        msg = f"{quote(spec.isolation)} is not a kind of isolation"
        raise InvalidInput(msg, hint=did_you_mean(spec.isolation, ISOLATIONS))
    check_range("the number of retries", spec.retries, 0, MAX_RETRIES)
    check_range("the number of losses", spec.max_losses, 0, MAX_LOSSES)
    if spec.backoff != DEFAULT_BACKOFF:
        parse_backoff(spec.backoff)
    for codes in (spec.retry_on, spec.no_retry_on):
        if codes is not None:
            parse_codes(codes)
    if spec.retry_on_errors or spec.no_retry_on_errors:
        check_kinds(spec.retry_on_errors)
        check_kinds(spec.no_retry_on_errors)
    if spec.timeout is not None and not _ZERO < spec.timeout <= LONGEST:
        msg = f"the timeout must be more than 0s and at most {LONGEST.days}d"
        raise InvalidInput(msg, hint="leave it out for no timeout")
    if spec.grace != DEFAULT_GRACE and not _ZERO <= spec.grace <= LONGEST:
        msg = f"the grace must be from 0s to {LONGEST.days}d"
        raise InvalidInput(msg)
    if spec.not_before is not None or spec.scheduled_at is not None:
        _check_times(spec)


def _check_times(spec: Spec) -> None:
    for moment in (spec.not_before, spec.scheduled_at):
        if moment is not None and not _EPOCH <= moment < LAST_MOMENT:
            msg = f"the time {moment.isoformat()} is not from {_EPOCH.year} to {LAST_MOMENT.year - 1}"
            raise InvalidInput(msg)
    if spec.not_before is not None and spec.expires_at is not None and spec.expires_at <= spec.not_before:
        msg = "it would expire before it may start"
        raise InvalidInput(msg, hint="both times count from the submission: expires must be the later one")


def _check_work(work: Shell | Python) -> None:
    if isinstance(work, Python):
        _check_python(work)
        return
    if not work.argv or not work.argv[0]:
        msg = "there is no command"
        raise InvalidInput(msg, hint="put it at the end, after --, as in: -- echo hello")
    check_text(work.argv, noun="the command's word")
    if work.line and (len(work.argv) != 1 or not work.argv[0].strip()):
        msg = "a shell job has one line, which is not blank"
        raise InvalidInput(msg, hint="quote the line: --shell -- 'sort data | uniq -c'")


def _check_python(work: Python) -> None:
    check_entrypoint(work.entrypoint)
    for name, raw, decoder in (("args", work.args, _array_decoder), ("kwargs", work.kwargs, _object_decoder)):
        try:
            decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            msg = f"the {name} of {work.entrypoint} can't be read: {error}"
            raise InvalidInput(msg, hint="args is a JSON array, kwargs a JSON object") from error
    if work.stored is not None:
        _check_digest(work.stored.digest, work.stored.size)


def check_entrypoint(text: str) -> str:
    """Return `text`, the name of a Python function.

    Raises:
        InvalidInput: it has not the form `package.module:function`.
    """
    module, _, function = text.partition(":")
    if not all(part.isidentifier() for path in (module, function) for part in path.split(".")):
        msg = f"{quote(text)} does not name a Python function"
        raise InvalidInput(msg, hint="write package.module:function")
    return text


def _check_stdin(stdin: Stdin) -> None:
    if (stdin.data is None) == (stdin.digest is None):
        msg = "the job's stdin must be data or the digest of an object"
        raise InvalidInput(msg)
    if stdin.data is not None and len(stdin.data) != stdin.size:
        msg = f"the job's stdin has {len(stdin.data):,} bytes, not the {stdin.size:,} it says"
        raise InvalidInput(msg)
    if stdin.digest is not None:
        _check_digest(stdin.digest, stdin.size)


def _check_digest(digest: str, size: int) -> None:
    if size < 0 or _SHA256_HEX.fullmatch(digest) is None:
        msg = f"{quote(digest)} is not the digest of an object"
        raise InvalidInput(msg)


def check_slots(slots: int) -> int:
    """Return the number of jobs that an agent runs at once.

    Raises:
        InvalidInput: it is none.
    """
    return check_range("the number of slots", slots, 1, MAX_SLOTS)


def check_range(noun: str, value: int, low: int, high: int) -> int:
    """Return `value`.

    Raises:
        InvalidInput: it is not from `low` to `high`.
    """
    if not low <= value <= high:
        msg = f"{noun} must be from {low} to {high:,}, not {value}"
        raise InvalidInput(msg)
    return value
