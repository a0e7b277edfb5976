"""Values: how the text of an option or argument is read, by its type.

Every parameter gives Typer such a function as its `parser`. Typer's own reading of types imports pydantic, which takes
longer than the rest of a submit, and words its refusals in pydantic's way.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from tqcli.core.names import quote
from tqcli.core.nearest import did_you_mean
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    Parse = Callable[[str], object]


def strip_none(kind: Any) -> Any:
    """Return the type of the text: `T | None` says that it may be left out.

    >>> strip_none(int | None)
    <class 'int'>
    """
    if get_origin(kind) not in {Union, types.UnionType}:
        return kind
    kinds = [part for part in get_args(kind) if part is not type(None)]
    # A choice of types is text to Typer: only the parameter's own `parse` can tell them apart.
    return kinds[0] if len(kinds) == 1 else str


def list_choices(kind: Any) -> tuple[str, ...]:
    """Return the words to choose from, where the type is a choice.

    >>> list_choices(Literal["high", "low"])
    ('high', 'low')
    """
    if get_origin(kind) is Literal:
        return tuple(str(value) for value in get_args(kind))
    return tuple(str(member.value) for member in getattr(kind, "__members__", {}).values())


def parser_of(kind: Any) -> Parse:
    """Return what reads the text of a `kind`: it raises InvalidInput."""
    if choices := list_choices(kind):
        return _parse_choice(kind, choices)
    if kind is int:
        return _parse_int
    if kind is float:
        return _parse_float
    if getattr(kind, "__name__", "") == "timedelta":
        from tqcli.core.duration import parse_duration  # noqa: PLC0415 - only where a command has one

        return parse_duration
    parse: Parse = kind
    return parse


def checked(check: Parse) -> Parse:
    """Return what gives the text itself, where `check` takes it."""

    def parse(text: str) -> str:
        check(text)
        return text

    return parse


def whole_number(low: int, high: int | None = None) -> Parse:
    """Return what reads a whole number from `low` to `high`, or of at least `low`."""
    hint = f"a whole number, at least {low}" if high is None else f"a whole number from {low} to {high:,}"

    def parse(text: str) -> int:
        try:
            number = _parse_int(text)
        except InvalidInput as error:
            raise InvalidInput(error.message, hint=hint) from None
        if number < low or (high is not None and number > high):
            msg = f"{number} is too {'small' if number < low else 'large'}"
            raise InvalidInput(msg, hint=hint)
        return number

    return parse


def positive_duration(text: str) -> timedelta:
    """Return the duration, which is longer than nothing.

    Raises:
        InvalidInput: it is not, or `parse_duration` does not take it.
    """
    from tqcli.core.duration import parse_duration  # noqa: PLC0415 - only where a command has one

    duration = parse_duration(text)
    if not duration:
        msg = "it must be more than 0s"
        raise InvalidInput(msg, hint="leave it out where there should be no limit")
    return duration


def _parse_choice(kind: Any, choices: tuple[str, ...]) -> Parse:
    def parse(text: str) -> object:
        if text not in choices:
            msg = f"{quote(text)} is none of the choices"
            raise InvalidInput(msg, hint=did_you_mean(text, choices))
        return text if get_origin(kind) is Literal else kind(text)

    return parse


def _parse_int(text: str) -> int:
    if not (text.isascii() and text.removeprefix("-").isdecimal() and len(text) <= sys.int_info.default_max_str_digits):
        msg = f"{quote(text)} is not a whole number"
        raise InvalidInput(msg)
    return int(text)


def _parse_float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        msg = f"{quote(text)} is not a number"
        raise InvalidInput(msg) from None
