"""Sizes as people write them: `512K`, `64M`, `2G`; powers of 1024."""

from __future__ import annotations

import re

from tqcli.core.names import quote
from tqcli.errors import InvalidInput

_UNITS = "BKMGTPE"
_SIZE = re.compile(r"(\d{1,15})(?:\.(\d{1,6}))?(?:([KMGTPE])(?:iB|B)?|B)?", re.ASCII | re.IGNORECASE)
_KIBI = 1024
_LARGEST = 1 << 63


def parse_size(text: str) -> int:
    """Return the size in bytes: a number with K, M, G, T, P or E; one alone is bytes.

    >>> parse_size("512K")
    524288

    Raises:
        InvalidInput: another form, parts of a byte, or 8 EiB and more (what the server can count).
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        msg = f"{quote(text)} is not a size"
        raise InvalidInput(msg, hint="sizes look like 512K, 64M, 2G")
    whole, fraction, unit = match.groups()
    scale = 1 << 10 * _UNITS.index((unit or "B").upper())
    parts: int = 10 ** len(fraction or "")
    size, rest = divmod(int(whole + (fraction or "")) * scale, parts)
    if (rest and scale == 1) or size >= _LARGEST:
        msg = f"the size {quote(text)} is {'no whole number of bytes' if rest else 'too large'}"
        raise InvalidInput(msg, hint="sizes look like 512K, 64M, 2G")
    return size


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
