"""Kinds of exceptions, by name: which of them a job is retried on. The agent has the names only, never the classes."""

from __future__ import annotations

from tqcli.core.names import quote
from tqcli.errors import InvalidInput

TYPE_CHECKING = False  # `typing` costs a job's start 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_KINDS = 100
_MAX_CHARS = 200


def name_kind(kind: type) -> str:
    """Return the name of an exception's class: its qualified name, after its module's where it is none of Python's own.

    >>> from json import JSONDecodeError
    >>> name_kind(ValueError), name_kind(JSONDecodeError)
    ('ValueError', 'json.decoder.JSONDecodeError')
    """
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def check_kinds(names: Iterable[str]) -> None:
    """Return where each of these can be the name of an exception's class.

    Raises:
        InvalidInput: one can't, or there are too many.
    """
    listed = tuple(names)
    if len(listed) > MAX_KINDS:
        msg = f"a job can name {MAX_KINDS} exceptions to be retried on, not {len(listed):,}"
        raise InvalidInput(msg, hint="name what they are derived from")
    for name in listed:
        if len(name) > _MAX_CHARS or not all(part.isidentifier() for part in name.split(".")):
            msg = f"{quote(name)} is not the name of an exception"
            raise InvalidInput(msg, hint="name its class with its module, as in shop.errors.OutOfStock")
