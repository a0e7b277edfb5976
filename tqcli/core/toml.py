"""Values of a TOML table: each read as what its key needs, or refused with what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from tqcli.core.duration import parse_duration
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

_KINDS = {
    bool: "true or false",
    str: "a string",
    int: "a number",
    float: "a number with a fraction",
    list: "an array",
    dict: "a table",
}


def describe_kind(value: object) -> str:
    """Return what a value is."""
    return _KINDS.get(type(value), "a date or time")


def refuse(needed: str, value: object, example: str) -> NoReturn:
    """Say what is needed in the place of `value`, and what to write.

    Raises:
        InvalidInput: always.
    """
    msg = f"{needed} is needed, not {describe_kind(value)}"
    raise InvalidInput(msg, hint=f"write {example}")


def read_string(value: object) -> str:
    """Return a string.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(value, str):
        refuse("a string", value, 'it in quotes, as in "text"')
    return value


def read_boolean(value: object) -> bool:
    """Return a truth.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(value, bool):
        refuse("true or false", value, "it without quotes, as in true")
    return value


def read_number(value: object) -> int:
    """Return a whole number.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        refuse("a whole number", value, "it without quotes, as in 3")
    return value


def read_duration(value: object) -> timedelta:
    """Return a duration.

    Raises:
        InvalidInput: it is none.
    """
    return parse_duration(value if isinstance(value, str) else str(read_number(value)))


def checked(check: Callable[[str], object]) -> Callable[[object], str]:
    """Return a reader of strings that `check` accepts and that stay as they are."""

    def read(value: object) -> str:
        text = read_string(value)
        check(text)
        return text

    return read
