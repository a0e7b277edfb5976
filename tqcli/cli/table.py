"""Tables: aligned columns, which fit the terminal, and are whole where there is none.

Without boxes, so that a line is as good for `awk` as for the eye. Where the terminal is too narrow, the columns that
may shrink do so, then the least useful ones are left out; what a row is called is always there, and whole.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from tqcli.cli.fit import COLOUR, measure, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Sizes = dict[int, int]

_GAP = 2
_SHORTEST = 8
"""Columns that a cell keeps when it must shrink."""


class Column(NamedTuple):
    """A column's head; `number` aligns to the right, `shrinks` gives way where the terminal is narrow.

    The higher its `rank`, the sooner it is left out. A table has one column of rank 0, which never is.
    """

    title: str
    number: bool = False
    shrinks: bool = False
    rank: int = 1


def draw_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int | None) -> list[str]:
    """Return the lines of a table, no wider than `width` columns where that is given.

    Without titles, it has no head.
    """
    head = [[column.title for column in columns]] if any(column.title for column in columns) else []
    cells = [*head, *([_printable(cell) for cell in row] for row in rows)]
    widest = [max(map(measure, column)) for column in zip(*cells, strict=True)]
    sizes = dict(enumerate(widest)) if width is None else _fit(columns, widest, width)
    return [line for row in cells for line in _draw_row(columns, sizes, row)]


def _fit(columns: Sequence[Column], widest: Sequence[int], width: int) -> Sizes:
    """Return the sizes of the columns that there is room for, by their place."""
    sizes: Sizes = {}
    room = width + _GAP
    for place in sorted(range(len(widest)), key=lambda place: columns[place].rank):
        least = _least(columns[place], widest[place], width)
        if least + _GAP <= room:
            sizes[place] = least
            room -= least + _GAP
    while growing := [place for place in sizes if room and sizes[place] < widest[place]]:
        sizes[min(growing, key=sizes.__getitem__)] += 1
        room -= 1
    return dict(sorted(sizes.items()))


def _least(column: Column, widest: int, width: int) -> int:
    if column.rank == 0 and widest > width:
        # What must be folded anyhow leaves room for others.
        return (width + 1) // 2
    return min(widest, _SHORTEST) if column.shrinks else widest


def _draw_row(columns: Sequence[Column], sizes: Sizes, row: Sequence[str]) -> Iterator[str]:
    """Give the line of a row; several, where what it is called must be folded."""
    cells = [_cut(columns[place], row[place], size) for place, size in sizes.items()]
    for parts in zip_longest(*cells, fillvalue=""):
        padded = (
            _pad(part, size, number=columns[place].number)
            for part, (place, size) in zip(parts, sizes.items(), strict=True)
        )
        yield (" " * _GAP).join(padded).rstrip()


def _cut(column: Column, cell: str, size: int) -> list[str]:
    if column.rank or measure(cell) <= size:
        return [shorten(cell, size)]
    from rich.cells import chop_cells  # noqa: PLC0415 - takes longer to import than most commands to run

    return chop_cells(cell, size)


def _pad(cell: str, size: int, *, number: bool) -> str:
    space = " " * (size - measure(cell))
    return space + cell if number else cell + space


def _printable(cell: str) -> str:
    """Return the cell on one line: what a job is called must not move the cursor."""
    if cell.isprintable():
        return cell
    return "".join(
        part if place % 2 else "".join(char if char.isprintable() else repr(char)[1:-1] for char in part)
        for place, part in enumerate(COLOUR.split(cell))
    )
