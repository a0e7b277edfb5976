"""The word that somebody probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice most like `word`, or None where none is like it.

    >>> nearest("retry_on", ["retries", "retry-on"])
    'retry-on'
    """
    import difflib  # noqa: PLC0415 - 3 ms, and only a mistake needs it

    near = difflib.get_close_matches(word[:64], list(choices), n=1)
    return near[0] if near else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return a hint: the near choice, or all of them.

    >>> did_you_mean("hihg", ["high", "low"])
    "did you mean 'high'?"
    """
    known = tuple(choices)
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near is not None else f"known are: {', '.join(known)}"
