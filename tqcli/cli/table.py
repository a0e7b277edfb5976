"""Tables: aligned columns, which fit the terminal, and are whole where there is none.

Without boxes, so that a line is as good for `awk` as for the eye. rich draws them, and is imported only then: it takes
longer to import than most commands to run.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.text import Text

_GAP = 2
_SHORTEST = 8
"""Columns that a cell keeps when its table must shrink; on a terminal that is narrower still, the lines wrap."""
_ENDLESS = 1_000_000

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


class Column(NamedTuple):
    """A column's head; `number` aligns to the right, `shrinks` gives way where the terminal is narrow."""

    title: str
    number: bool = False
    shrinks: bool = False


def draw_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int | None) -> list[str]:
    """Return the lines of a table, no wider than `width` columns where that is given."""
    from rich.cells import cell_len  # noqa: PLC0415 - see above
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    cells = [[column.title for column in columns], *([_printable(cell) for cell in row] for row in rows)]
    # A column is one cell of many lines: a fifth of the time that rich takes for as many cells.
    blocks = [_join(column) for column in zip(*cells, strict=True)]
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    for column, block in zip(columns, blocks, strict=True):
        full = max(map(cell_len, block.plain.split("\n")))
        grid.add_column(
            justify="right" if column.number else "left",
            no_wrap=not column.shrinks,
            min_width=min(full, _SHORTEST) if column.shrinks else full,
        )
    grid.add_row(*blocks)
    drawn = io.StringIO()
    # With a height, too, or it would look for the terminal's size itself.
    console = Console(file=drawn, width=width or _ENDLESS, height=1, color_system="standard", no_color=False)
    console.print(grid, crop=False)
    return [line.rstrip() for line in drawn.getvalue().splitlines()]


def shorten(text: str, width: int) -> str:
    """Return `text`, cut to `width` columns with a `…` where it is longer.

    >>> shorten("sha256sum", 6)
    'sha25…'
    """
    if text.isascii() and len(text) <= width:
        return text
    from rich.text import Text  # noqa: PLC0415 - see above

    line = Text(text)
    line.truncate(width, overflow="ellipsis")
    return line.plain


def _join(cells: Iterable[str]) -> Text:
    """Return the cells, colours and all, as lines that are cut where they don't fit."""
    from rich.text import Text  # noqa: PLC0415 - see above

    lines = (Text.from_ansi(cell) if "\x1b" in cell else Text(cell) for cell in cells)
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)


def _printable(cell: str) -> str:
    """Return the cell on one line: what a job is called must not move the cursor."""
    if cell.isprintable():
        return cell
    return "".join(
        part if place % 2 else "".join(char if char.isprintable() else repr(char)[1:-1] for char in part)
        for place, part in enumerate(_COLOUR.split(cell))
    )
