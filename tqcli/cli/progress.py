"""Progress on a terminal's stderr: how many of how many, how fast, and how long it will still take."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from tqcli.cli.output import terminal_width
from tqcli.cli.table import shorten
from tqcli.core.duration import humanize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tqcli.cli.output import Output

_PAUSE_S = 0.1
"""Between two drawings: a bar that changes faster can't be read, and slows down what it shows."""

_BAR_WIDTH = 24
_FULL, _EMPTY = "━", "─"
_CLEAR_REST = "\x1b[K"


@contextmanager
def show_progress(output: Output, title: str) -> Iterator[Progress]:
    """Give a bar to update; it is gone after the block. Where nobody watches, nothing is drawn."""
    progress = Progress(title, watched=output.shows_progress)
    output.clear_progress = progress.clear
    try:
        yield progress
    finally:
        output.clear_progress = None
        progress.clear()


class Progress:
    """A bar; see `show_progress`."""

    def __init__(self, title: str, *, watched: bool) -> None:
        """Draw nothing yet."""
        self._title = title
        self._watched = watched
        self._first: tuple[int, float] | None = None
        self._drawn_s: float | None = None

    def update(self, done: int, total: int, note: str = "") -> None:
        """Show that `done` of `total` are done, and a word on it. One thing alone needs no bar."""
        if not self._watched or total <= 1:
            return
        now_s = time.monotonic()
        if self._first is None:
            # What was done before we looked says nothing about the speed.
            self._first = done, now_s
        if self._drawn_s is not None and now_s - self._drawn_s < _PAUSE_S and done < total:
            return
        self._drawn_s = now_s
        first, started_s = self._first
        line = draw_progress(self._title, done, total, fresh=done - first, elapsed_s=now_s - started_s, note=note)
        _write(f"\r{shorten(line, terminal_width(sys.stderr) - 1)}{_CLEAR_REST}")

    def clear(self) -> None:
        """Take it from the screen, so that something else can be written there."""
        if self._drawn_s is not None:
            self._drawn_s = None
            _write(f"\r{_CLEAR_REST}")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def draw_progress(title: str, done: int, total: int, *, fresh: int, elapsed_s: float, note: str = "") -> str:
    """Return the line of a bar; `fresh` of the `done` were done in the last `elapsed_s`.

    >>> draw_progress("waiting", 50, 100, fresh=25, elapsed_s=10)
    'waiting ━━━━━━━━━━━━──────────── 50/100 50% 2.5/s 20s left'
    """
    full = _BAR_WIDTH * done // total
    parts = [title, _FULL * full + _EMPTY * (_BAR_WIDTH - full), f"{done:,}/{total:,}", f"{100 * done // total}%"]
    if fresh > 0 and elapsed_s > 0:
        rate = fresh / elapsed_s
        parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s")  # noqa: PLR2004 - two digits are enough
        if done < total:
            parts.append(f"{humanize(timedelta(seconds=(total - done) / rate))} left")
    return " ".join([*parts, note] if note else parts)
