"""What to type next, and what that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.table import Column, draw_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tqcli.cli.output import Output

_INDENT = "  "
_COLUMNS = (Column("", rank=0), Column(""))


def step_lines(steps: Iterable[tuple[str, str]], output: Output) -> Iterator[str]:
    """Give a line for each command; what it does is left out where there is no room for it."""
    width = None if output.width is None else max(output.width - len(_INDENT), 1)
    yield from (f"{_INDENT}{line}" for line in draw_table(_COLUMNS, list(steps), width=width))
