"""A row of durations as a small bar: each is a block, as high as it was long beside the longest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tqcli.cli.render.words import short_duration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from tqcli.cli.output import Output

_BLOCKS = "▁▂▃▄▅▆▇█"


def show_trend(durations: Sequence[timedelta], output: Output) -> str:
    """Return the bar, and the shortest and the longest; without a terminal that has blocks, each duration."""
    if not durations:
        return ""
    if not (output.has_colour and _has_blocks()):
        return " ".join(map(short_duration, durations))
    low, high = short_duration(min(durations)), short_duration(max(durations))
    return f"{draw_bar(durations)}  {low}" + ("" if low == high else f" to {high}")


def draw_bar(durations: Sequence[timedelta]) -> str:
    """Return a block for each.

    >>> from datetime import timedelta
    >>> draw_bar([timedelta(seconds=number) for number in (1, 4, 8)])
    '▁▄█'
    """
    highest = max(durations)
    steps = len(_BLOCKS)
    return "".join(_BLOCKS[max(-(-one * steps // highest) - 1, 0) if highest else 0] for one in durations)


def _has_blocks() -> bool:
    """Return whether the terminal's character set is UTF-8, by the locale: Python itself takes C for it, too."""
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    return "UTF8" in chosen.upper().replace("-", "")
