"""Output: data to stdout, everything else to stderr, and what may be drawn on either."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn, TextIO

import msgspec

from tqcli.cli.fit import fold
from tqcli.errors import TqError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tqcli.cli.table import Column

EXIT_PIPE = 141
"""128 + SIGPIPE: how `git log | head -1` ends, too."""

DEFAULT_WIDTH = 80


class Output:
    """Where a command's words go.

    `json`: documents instead of text. `is_terminal`: a person reads stdout. Colour needs a terminal that isn't dumb,
    and no `NO_COLOR`. `clear_progress` takes away the bar that is on the screen, if any, for a note.
    """

    def __init__(self, *, json: bool = False) -> None:
        """Look at the streams."""
        self.json = json
        self.is_terminal = sys.stdout.isatty()
        self.has_colour = self.is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.clear_progress: Callable[[], None] | None = None

    @property
    def shows_progress(self) -> bool:
        """Whether a person watches stderr, and nobody asked for JSON."""
        return sys.stderr.isatty() and not self.json and os.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int | None:
        """The columns of the terminal; None where stdout is none, and lines may be as long as they are."""
        return terminal_width(sys.stdout) if self.is_terminal else None

    def write(self, data: bytes) -> None:
        """Write data to stdout as it is, now."""
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            leave_closed_pipe()
        except OSError as error:
            discard_stdout()
            msg = f"stdout can't be written: {error.strerror}"
            raise TqError(msg) from error

    def write_error(self, data: bytes) -> None:
        """Write what a job printed on its stderr to ours, now."""
        try:
            sys.stderr.buffer.write(data)
            sys.stderr.buffer.flush()
        except OSError:
            # Nobody reads our stderr any more, so nobody can be told.
            return

    def line(self, text: str = "") -> None:
        """Write one line of data to stdout."""
        self.write(f"{text}\n".encode(errors="surrogateescape"))

    def lines(self, texts: Iterable[str]) -> None:
        """Write many lines of data to stdout at once."""
        self.write("".join(f"{text}\n" for text in texts).encode(errors="surrogateescape"))

    def note(self, text: str) -> None:
        """Write a word for the user to stderr; a script that asked for JSON is spared it."""
        if self.clear_progress is not None:
            self.clear_progress()
        if not self.json:
            self.write_error(_fold_for_stderr(text).encode(errors="surrogateescape"))

    def document(self, value: object) -> None:
        """Write one JSON document on one line to stdout."""
        self.write(msgspec.json.encode(value) + b"\n")

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        """Write a table to stdout, as wide as the terminal allows."""
        from tqcli.cli.table import draw_table  # noqa: PLC0415 - few commands draw one

        self.lines(draw_table(columns, rows, width=self.width))

    def paint(self, text: str, look: str) -> str:
        """Return `text` in bold or a colour (red, green, yellow, blue, cyan) where stdout shows colour.

        What it says must be understood without.
        """
        if not self.has_colour or not text:
            return text
        from typer import style  # noqa: PLC0415 - what is piped needs none

        return style(text, bold=True) if look == "bold" else style(text, fg=look)

    def error(self, error: TqError) -> None:
        """Tell why the command failed, on stderr."""
        if self.json:
            body = {"error": error.message, "hint": error.hint, "exit_code": error.exit_code}
            self.write_error(msgspec.json.encode(body) + b"\n")
            return
        lines = f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else "")
        self.write_error(_fold_for_stderr(lines).encode(errors="backslashreplace"))


def _fold_for_stderr(text: str) -> str:
    """Return `text` with a newline at its end; on a terminal, its lines are broken between words."""
    width = terminal_width(sys.stderr) if sys.stderr.isatty() else None
    return "".join(f"{part}\n" for line in text.split("\n") for part in fold(line, width))


def has_typist() -> bool:
    """Return whether a person can answer on stdin; where it is closed, Python has none."""
    return sys.stdin is not None and sys.stdin.isatty()


def terminal_width(stream: TextIO) -> int:
    """Return the columns of the terminal that `stream` writes to; 80 where it doesn't know them."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    except OSError:
        return DEFAULT_WIDTH


def leave_closed_pipe() -> NoReturn:
    """End quietly, as any filter whose reader left: `tq ls | head -1` is no failure to report.

    Raises:
        SystemExit: always; what is under way is wound up on its way out.
    """
    discard_stdout()
    raise SystemExit(EXIT_PIPE)


def discard_stdout() -> None:
    """Let what is still buffered go nowhere, or the interpreter would complain about it at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
