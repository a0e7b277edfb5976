"""Text that fits a terminal: how wide it is, cut to a width, or folded at words.

Colours take no room. rich knows how wide a character is, and is imported only where one is not ASCII: it takes longer
to import than most commands to run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
_COMMAND = re.compile("`[^`]*`")
_TIE = "\0"
"""Stands for a space within a command, which stays on one line so that it can be copied."""


def measure(text: str) -> int:
    r"""Return how many columns a line takes.

    >>> measure("\x1b[31mred\x1b[0m"), measure("日本")
    (3, 4)
    """
    plain = COLOUR.sub("", text) if "\x1b" in text else text
    if plain.isascii():
        return len(plain)
    from rich.cells import cell_len  # noqa: PLC0415 - see above

    return cell_len(plain)


def shorten(text: str, width: int) -> str:
    """Return `text`, cut to `width` columns with a `…` where it is longer; its colours end where it does.

    >>> shorten("sha256sum", 6)
    'sha25…'
    """
    if measure(text) <= width:
        return text
    from rich.cells import set_cell_size  # noqa: PLC0415 - see above

    kept, room = "", width - 1
    for place, part in enumerate(COLOUR.split(text)):
        if place % 2:
            kept += part
        elif room >= 0:
            size = measure(part)
            kept += part if size <= room else set_cell_size(part, room) + "…"
            room -= size
    return kept


def fold(text: str, width: int | None, *, hang: int = 0) -> Iterator[str]:
    """Give one line as lines of `width` columns (None: as it is), broken between words; all but the first are indented.

    What stands between backticks stays together. A word that is longer than a line is left to the terminal.

    >>> list(fold("hint: `tq status` shows the queues", 20, hang=6))
    ['hint: `tq status`', '      shows the', '      queues']
    """
    if width is None or measure(text) <= width:
        yield text
        return
    first, *words = _COMMAND.sub(lambda match: match[0].replace(" ", _TIE), text).split(" ")
    line = first
    for word in words:
        longer = f"{line} {word}"
        # Behind a label as wide as the indent, a new line would have no more room.
        if measure(longer) > width and measure(line) >= hang and line.strip():
            yield line.rstrip().replace(_TIE, " ")
            line = " " * hang + word
        else:
            line = longer
    yield line.replace(_TIE, " ")
