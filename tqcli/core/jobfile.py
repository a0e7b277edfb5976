"""A job file's table, typed and checked: the same option names as on the command line.

Reading the file and those it includes is `tqcli.client.jobfile`.
"""

from __future__ import annotations

import math
from datetime import date, time
from typing import TYPE_CHECKING, Any

import msgspec

from tqcli.core.backoff import parse_backoff
from tqcli.core.bulk import parse_array
from tqcli.core.check import MAX_LOSSES, MAX_RETRIES, check_entrypoint, check_env, check_range
from tqcli.core.codes import parse_codes
from tqcli.core.names import check_label, check_name, quote
from tqcli.core.nearest import did_you_mean
from tqcli.core.options import JobOptions
from tqcli.core.spec import ISOLATIONS, PRIORITIES
from tqcli.core.toml import checked, describe_kind, read_duration, read_number, read_string, refuse
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

INCLUDE = "include"
_WORK = ("command", "shell", "python")


def check_jobfile(table: Mapping[str, object], source: str) -> JobOptions:
    """Return the options in a parsed job file, its includes left aside. `source` is the file's name, for messages.

    Raises:
        InvalidInput: an unknown key, a value of the wrong type or outside its grammar, or more than one thing to run.
            The message names the file and the key.
    """
    given: dict[str, Any] = {}
    for key, value in table.items():
        if key == INCLUDE:
            continue
        reader = _READERS.get(key)
        if reader is None:
            msg = f"{source}: there is no option {quote(key)}"
            raise InvalidInput(msg, hint=did_you_mean(key, (INCLUDE, *_READERS)))
        try:
            given[_FIELDS.get(key, key.replace("-", "_"))] = reader(value)
        except InvalidInput as error:
            msg = f"{source}: {key}: {error.message}"
            raise InvalidInput(msg, hint=error.hint) from error
    works = [key for key in _WORK if key in given]
    if len(works) > 1:
        msg = f"{source}: a job runs one thing, not {' and '.join(works)}"
        raise InvalidInput(msg, hint="keep one of command, shell and python")
    return JobOptions(**given)


def parse_includes(table: Mapping[str, object], source: str) -> tuple[str, ...]:
    """Return the files that a parsed job file includes, as it names them.

    Raises:
        InvalidInput: `include` is neither a string nor an array of strings.
    """
    value = table.get(INCLUDE, [])
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list) or not all(isinstance(path, str) and path and "\0" not in path for path in paths):
        msg = f"{source}: {INCLUDE}: a file's name or an array of them is needed, not {describe_kind(value)}"
        raise InvalidInput(msg, hint='write include = "base.toml" or include = ["one.toml", "two.toml"]')
    return tuple(paths)


def _command(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
        refuse("an array of strings", value, 'command = ["program", "argument"], or a line as shell = "…"')
    return tuple(value)


def _env(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        refuse("a table", value, '[env] and below it KEY = "value"')
    for key, text in value.items():
        if not isinstance(text, str):
            msg = f"{quote(key)}: a string is needed, not {describe_kind(text)}"
            raise InvalidInput(msg, hint="put the value in quotes: an environment holds text")
    check_env(value)
    return value


def _json(value: object, kind: type, needed: str) -> msgspec.Raw:
    if not isinstance(value, kind):
        refuse(needed, value, 'args = ["first", 2] or kwargs = { name = "value" }')
    if not _is_finite(value):
        msg = "nan and inf have no place in JSON, which is what the function gets its arguments from"
        raise InvalidInput(msg, hint='write a string, as in "nan", which the function can turn into a number')
    return msgspec.Raw(msgspec.json.encode(value))


def _is_finite(value: object) -> bool:
    """Return whether every number in a TOML value can be said in JSON: msgspec would write null for the others."""
    if isinstance(value, list):
        return all(map(_is_finite, value))
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, float) or math.isfinite(value)


def _path(text: str) -> None:
    if not text:
        msg = "it is empty"
        raise InvalidInput(msg, hint="leave it out, or name a file or directory")


def _priority(text: str) -> None:
    if text not in PRIORITIES:
        msg = f"{quote(text)} is not a priority"
        raise InvalidInput(msg, hint=did_you_mean(text, PRIORITIES))


def _time(value: object) -> str:
    """Return a time as it is written on the command line: TOML has times of its own."""
    if isinstance(value, date | time):
        return value.isoformat()
    if not isinstance(value, str):
        refuse("a time", value, 'it as in "17:30", or 2026-03-01T17:30:00')
    return value


_FIELDS = {"in": "in_"}
"""Options whose field has another name: no field can be called as a word of Python."""


def _isolation(text: str) -> None:
    if text not in ISOLATIONS:
        msg = f"{quote(text)} is not a kind of isolation"
        raise InvalidInput(msg, hint=did_you_mean(text, ISOLATIONS))


_READERS: dict[str, Callable[[object], object]] = {
    "command": _command,
    "shell": read_string,
    "python": checked(check_entrypoint),
    "args": lambda value: _json(value, list, "an array"),
    "kwargs": lambda value: _json(value, dict, "a table"),
    "name": checked(lambda text: check_label(text, noun="job's name")),
    "queue": checked(lambda text: check_name(text, noun="queue")),
    "priority": checked(_priority),
    "retries": lambda value: check_range("the number of retries", read_number(value), 0, MAX_RETRIES),
    "backoff": checked(parse_backoff),
    "retry-on": checked(parse_codes),
    "no-retry-on": checked(parse_codes),
    "timeout": read_duration,
    "grace": read_duration,
    "in": read_duration,
    "at": _time,
    "expires": read_duration,
    "env": _env,
    "cwd": checked(_path),
    "stdin": checked(_path),
    "max-losses": lambda value: check_range("the number of losses", read_number(value), 0, MAX_LOSSES),
    "isolation": checked(_isolation),
    "array": checked(parse_array),
    "key": checked(lambda text: check_label(text, noun="key")),
}

KEYS = tuple(_READERS)
"""The options that a job file may have."""
