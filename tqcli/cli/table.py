"""Tables: aligned columns, which fit the terminal, and are whole where there is none.

Without boxes, so that a line is as good for `awk` as for the eye. Own code, because importing a library for it takes
longer than the whole command.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import combining, east_asian_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GAP = "  "
_SHORTEST = 8
"""Columns that a cell keeps when its table must shrink."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Column(NamedTuple):
    """A column's head; `number` aligns to the right, `shrinks` gives way where the terminal is narrow."""

    title: str
    number: bool = False
    shrinks: bool = False


def draw_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int | None) -> list[str]:
    """Return the lines of a table, no wider than `width` columns where that is given."""
    cells = [[column.title for column in columns], *([_printable(cell) for cell in row] for row in rows)]
    widths = [max(measure(row[place]) for row in cells) for place in range(len(columns))]
    if width is not None:
        _shrink(widths, columns, width)
    return [
        _GAP.join(
            _fit(cell, size, right=column.number) for cell, size, column in zip(row, widths, columns, strict=True)
        ).rstrip()
        for row in cells
    ]


def measure(text: str) -> int:
    """Return how many columns of a terminal `text` takes; colours take none.

    >>> measure("naïve"), measure("日本")
    (5, 4)
    """
    if text.isascii() and "\x1b" not in text:
        return len(text)
    return sum(_char_width(char) for char in _COLOUR.sub("", text))


def shorten(text: str, width: int) -> str:
    """Return `text`, cut to `width` columns with a `…` where it is longer; colours are dropped from what is cut.

    >>> shorten("sha256sum", 6)
    'sha25…'
    """
    if measure(text) <= width:
        return text
    kept, used = [], 0
    for char in _COLOUR.sub("", text):
        used += _char_width(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept) + "…"


def _char_width(char: str) -> int:
    if combining(char):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def _printable(cell: str) -> str:
    """Return the cell on one line: what a job is called must not move the cursor."""
    if cell.isprintable():
        return cell
    parts = re.split(f"({_COLOUR.pattern})", cell)
    return "".join(
        part if place % 2 else "".join(char if char.isprintable() else repr(char)[1:-1] for char in part)
        for place, part in enumerate(parts)
    )


def _shrink(widths: list[int], columns: Sequence[Column], width: int) -> None:
    """Take what is too much from the widest of the columns that shrink, one by one."""
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    places = [place for place, column in enumerate(columns) if column.shrinks]
    while excess > 0 and places:
        widest = max(places, key=lambda place: widths[place])
        if widths[widest] <= _SHORTEST:
            return
        widths[widest] -= 1
        excess -= 1


def _fit(cell: str, size: int, *, right: bool) -> str:
    text = shorten(cell, size)
    pad = " " * (size - measure(text))
    return pad + text if right else text + pad
