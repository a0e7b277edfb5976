"""Sizes as people read them: `512K`, `64M`, `2G`; powers of 1024."""

from __future__ import annotations

_UNITS = "BKMGTPE"
_KIBI = 1024


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
