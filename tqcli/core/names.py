"""Names of things: what may stand in a subject (H9), and the freer label of a job.

The server stores a publish to `job.*` or with control characters as it comes, and a filter would then match across
queues; so a name is checked before it reaches any subject.
"""

from __future__ import annotations

import re

from tqcli.errors import InvalidInput

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_LABEL_MAX = 128
_SHOWN_MAX = 40
_NO_TEXT = re.compile(r"((?<!\\)(?:\\\\)*)\\udc([89a-f][0-9a-f])")
"""A byte that is no UTF-8, as Python's `repr` shows what it makes of it (PEP 383)."""


def quote(text: str) -> str:
    r"""Return `text` as a message may show it: quoted, at most 40 characters of it, control characters escaped.

    >>> print(quote("a\x1b[31mb"), quote("caf\udce9"))
    'a\x1b[31mb' 'caf\xe9'
    """
    shown = repr(text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…")
    return _NO_TEXT.sub(r"\1\\x\2", shown)


def check_name(text: str, *, noun: str) -> str:
    """Return `text`, the name of a `noun` ("queue", "agent").

    Raises:
        InvalidInput: it has other characters than a-z 0-9 _ -, starts with one of the last two, or is too long.
    """
    if _NAME.fullmatch(text) is None:
        msg = f"{quote(text)} can't name a{'n' if noun[0] in 'aeiou' else ''} {noun}"
        raise InvalidInput(msg, hint="a name has 1 to 64 of a-z 0-9 _ - and starts with a letter or digit")
    return text


def check_label(text: str, *, noun: str) -> str:
    """Return `text`, a free label that people read, such as a job's name.

    Raises:
        InvalidInput: it is empty, longer than 128 characters, or has characters that don't print.
    """
    if not 0 < len(text) <= _LABEL_MAX or not text.isprintable():
        msg = f"{quote(text)} can't be a {noun}"
        raise InvalidInput(msg, hint=f"a {noun} has 1 to {_LABEL_MAX} printable characters")
    return text
