"""What a user asks of a job in Python's own types, as the fields of its spec."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tqcli.core.codes import parse_codes
from tqcli.core.duration import LONGEST, parse_duration
from tqcli.core.kinds import name_kind
from tqcli.core.nearest import did_you_mean
from tqcli.errors import InvalidInput
from tqcli.functions.entrypoint import name_importable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tqcli.functions.call import Kinds, Options

PLAIN = {"queue": str, "priority": str, "retries": int, "backoff": str, "name": str}
DURATIONS = ("timeout", "grace")
NAMES = (*PLAIN, *DURATIONS, "retry_on", "no_retry_on", "delay", "at", "expires", "key", "env", "cwd")


def check_names(options: Iterable[str]) -> None:
    """Return where each of these is an option.

    Raises:
        InvalidInput: one is none.
    """
    for name in options:
        if name not in NAMES:
            msg = f"{name!r} is not an option of a job"
            raise InvalidInput(msg, hint=did_you_mean(name, NAMES))


def build_fields(options: Options, now: datetime) -> dict[str, Any]:
    """Return the fields of a spec that these options stand for, of a job that is submitted now.

    Raises:
        InvalidInput: one is wrong; the message names it.
    """
    check_names(options)
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    fields = {name: _check_type(name, given[name], kind) for name, kind in PLAIN.items() if name in given}
    fields |= {name: _to_duration(name, given[name]) for name in DURATIONS if name in given}
    for name in ("retry_on", "no_retry_on"):
        if name in given:
            fields[name], fields[f"{name}_errors"] = _split_kinds(name, given[name])
    if "delay" in given and "at" in given:
        msg = "delay and at both say when the job may start"
        raise InvalidInput(msg, hint="leave one of them out")
    if "delay" in given:
        fields["not_before"] = now + _to_duration("delay", given["delay"])
    if "at" in given:
        fields["not_before"] = _to_moment("at", given["at"])
    if "expires" in given:
        fields["expires_at"] = _to_end(given["expires"], now)
    if "env" in given:
        fields["env"] = {str(key): str(value) for key, value in given["env"].items()}
    return fields


def _check_type(name: str, value: object, kind: type) -> object:
    if not isinstance(value, kind) or isinstance(value, bool):
        msg = f"{name} must be of type {kind.__name__}, not {type(value).__name__}: {value!r:.80}"
        hint = "the priorities are high, normal and low" if name == "priority" else None
        raise InvalidInput(msg, hint=hint)
    return value


def _to_duration(name: str, value: object) -> timedelta:
    if isinstance(value, timedelta):
        duration = value
    elif isinstance(value, str):
        duration = parse_duration(value)
    else:
        msg = f"{name} must be a timedelta, or text such as '90s', not {value!r:.80}"
        raise InvalidInput(msg, hint=f"write {value}s for seconds" if isinstance(value, (int, float)) else None)
    if not timedelta(0) <= duration <= LONGEST:
        msg = f"{name} must be from 0s to {LONGEST.days}d"
        raise InvalidInput(msg)
    return duration


def _to_moment(name: str, value: object) -> datetime:
    if not isinstance(value, datetime):
        msg = f"{name} must be a datetime, not {value!r:.80}"
        raise InvalidInput(msg)
    if value.utcoffset() is None:
        msg = f"{name} says no time zone: {value.isoformat()}"
        raise InvalidInput(msg, hint="give it one, as in datetime.now(UTC)")
    return value.astimezone(UTC)


def _to_end(value: object, now: datetime) -> datetime:
    if isinstance(value, datetime):
        return _to_moment("expires", value)
    duration = _to_duration("expires", value)
    if not duration:
        msg = "expires must be more than 0s"
        raise InvalidInput(msg, hint="it counts from the submission; leave it out for a job that may wait for ever")
    return now + duration


def _split_kinds(name: str, value: Kinds) -> tuple[str | None, tuple[str, ...]]:
    """Return the codes in tq's words, and the names of exceptions."""
    codes: list[str] = []
    kinds: list[str] = []
    listed: tuple[Any, ...] = (value,) if isinstance(value, (type, str, int)) else tuple(value)
    for entry in listed:
        if isinstance(entry, type) and issubclass(entry, BaseException):
            in_main = entry.__module__ in {"__main__", "__mp_main__"}
            kinds.append(name_importable(entry).replace(":", ".") if in_main else name_kind(entry))
        elif isinstance(entry, (str, int)) and not isinstance(entry, bool):
            codes.append(str(entry))
        else:
            msg = f"{name} takes exceptions and exit codes, not {entry!r:.80}"
            raise InvalidInput(msg, hint="as in retry_on=(ConnectionError, 75, 'timeout')")
    joined = ",".join(codes)
    if codes:
        parse_codes(joined)
    return joined or None, tuple(kinds)
