"""Sizes as people read them: `512K`, `64M`, `2G`; powers of 1024."""

from __future__ import annotations

import re

from tqcli.core.names import quote
from tqcli.errors import InvalidInput

_UNITS = "BKMGTPE"
_KIBI = 1024
_SIZE = re.compile(r"([0-9]{1,15})([BKMGTPE]?)(?:i?B)?", re.ASCII | re.IGNORECASE)


def parse_size(text: str) -> int:
    """Return the bytes.

    >>> parse_size("512K"), parse_size("2G"), parse_size("100")
    (524288, 2147483648, 100)

    Raises:
        InvalidInput: it is no size.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        msg = f"{quote(text)} is not a size"
        raise InvalidInput(msg, hint="write it as 512K, 64M or 2G")
    return int(match[1]) << 10 * _UNITS.index(match[2].upper() or "B")


def format_size(size: int) -> str:
    """Return it for a reader, rounded down to a tenth below 10.

    >>> format_size(524288), format_size(1600), format_size(0)
    ('512K', '1.5K', '0B')
    """
    scale, unit = 1, _UNITS[0]
    for larger in _UNITS[1:]:
        if size < scale * _KIBI:
            break
        scale, unit = scale * _KIBI, larger
    whole, rest = divmod(size, scale)
    tenth = rest * 10 // scale
    return f"{whole}.{tenth}{unit}" if tenth and whole < 10 else f"{whole}{unit}"  # noqa: PLR2004 - as it says above
