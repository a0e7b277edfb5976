"""Checks of arguments that came as JSON, where a list may be one text and a number may be a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def list_texts(value: str | Sequence[str] | None, *, argument: str) -> list[str]:
    """Return `value` as a list of texts: one text is a list of one, None is an empty list.

    Raises:
        ValueError: it is neither a text nor a list of texts, or one of the texts is empty.
    """
    if value is None:
        return []
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) and text for text in texts):
        msg = f"{argument} must be a text or a list of texts, none of them empty, not {value!r}"
        raise ValueError(msg)
    return list(texts)


def check_whole_number(value: object, *, argument: str, least: int = 0) -> int:
    """Return `value`, a whole number of at least `least`.

    Raises:
        ValueError: it is something else; true and false are no numbers.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        msg = f"{argument} must be a whole number of at least {least}, not {value!r}"
        raise ValueError(msg)
    return value


def check_choice(value: str, choices: Sequence[str], *, argument: str) -> str:
    """Return `value`, one of `choices`.

    Raises:
        ValueError: it is none of them.
    """
    if value not in choices:
        msg = f"{argument} must be one of {', '.join(choices)}, not {value!r}"
        raise ValueError(msg)
    return value
