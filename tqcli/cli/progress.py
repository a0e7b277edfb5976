"""Progress on a terminal's stderr: how many of how many, how fast, and how long it will still take."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tqcli.cli.output import terminal_width

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich import progress as rich
    from rich.text import Text

    from tqcli.cli.output import Output

_DELAY_S = 0.2
"""What is over sooner needs no bar, and needn't wait until rich is imported."""
_PAUSE_S = 0.1
"""Between two drawings: a bar that changes faster can't be read, and slows down what it shows."""
_BAR_WIDTH = 24
_ECHO = len("^C")
"""Room for what the terminal shows of a Ctrl-C or Ctrl-Z: a line that wraps by it is not erased."""


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
    """A bar; see `show_progress`. It is drawn by `update` alone: a thread could take a signal from who waits for it."""

    def __init__(self, title: str, *, watched: bool) -> None:
        """Draw nothing yet."""
        self._title = title
        self._watched = watched
        self._due_s: float | None = None
        self._bar: tuple[rich.Progress, Text] | None = None

    def update(self, done: int, total: int, note: str = "") -> None:
        """Show that `done` of `total` are done, and a word on it. One thing alone needs no bar."""
        if not self._watched or total <= 1:
            return
        now_s = time.monotonic()
        if self._due_s is None:
            self._due_s = now_s + _DELAY_S
        if now_s < self._due_s:
            return
        self._due_s = now_s + _PAUSE_S
        if self._bar is None:
            self._bar = _make_bar()
            # What was done before we looked says nothing about the speed.
            self._bar[0].add_task(self._title, completed=done, total=total, rate="")
        bar, shown_note = self._bar
        shown_note.plain = note
        task = bar.tasks[0]
        bar.update(task.id, completed=done, total=total)
        bar.update(task.id, rate=_show_rate(task.speed))
        bar.console.width = max(terminal_width(sys.stderr) - 1 - _ECHO, 1)
        if bar.live.is_started:
            bar.refresh()
        else:
            bar.start()
            # A cursor that is hidden would stay so after Ctrl-Z, or when we are killed.
            bar.console.show_cursor()

    def clear(self) -> None:
        """Take it from the screen, so that something else can be written there; the next update brings it back."""
        if self._bar is not None:
            self._bar[0].stop()


def _make_bar() -> tuple[rich.Progress, Text]:
    """Return a bar that is not on the screen yet, and the note behind it; these two shrink where it is narrow."""
    from rich import progress as rich  # noqa: PLC0415 - takes longer to import than most commands to run
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Column  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    note = Text(no_wrap=True, overflow="ellipsis")
    bar = rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(_BAR_WIDTH, complete_style="green"),
        rich.TextColumn("{task.completed:,}/{task.total:,}"),
        rich.TaskProgressColumn(),
        rich.TextColumn("{task.fields[rate]}"),
        rich.TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
        rich.TextColumn("left"),
        rich.RenderableColumn(note),
        console=Console(file=sys.stderr),
        get_time=time.monotonic,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    return bar, note


def _show_rate(speed: float | None) -> str:
    if not speed:
        return ""
    return f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s"  # noqa: PLR2004 - two digits are enough
