"""What jobs printed, on our own stdout and stderr.

Into a pipe it goes byte for byte. On a terminal, control characters are shown instead of obeyed: what somebody else's
job printed must not move the cursor, set the title or answer for the user. A job that its own user attends to is
`verbatim`, as it would be without tq. Labels, times and JSON need whole lines, which are put together for each job and
stream apart.
"""

from __future__ import annotations

import codecs
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tqcli.core.ids import JobId
from tqcli.jetstream.logs import CUT, STDERR, STDOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.cli.output import Output
    from tqcli.client.printed import Printed

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BOTH = frozenset({STDOUT, STDERR})
_NAMES = {STDOUT: "stdout", STDERR: "stderr"}


def neutralise(text: str) -> str:
    r"""Return `text` with its control characters written out, except tab, newline and carriage return.

    >>> neutralise("a\x1b[31mb\x9b\n") == "a\\x1b[31mb\\x9b\n"
    True
    """
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class Look(NamedTuple):
    """How to show it: which streams, and what stands before each line; with `attempts`, a prefix names them too."""

    streams: frozenset[int] = _BOTH
    timestamps: bool = False
    prefix: bool = False
    attempts: bool = False
    whole_lines: bool = False
    verbatim: bool = False


class _Source(NamedTuple):
    """Where a line comes from."""

    element: int
    attempt: int
    stream: int


class _Line(msgspec.Struct, omit_defaults=True):
    """A line as JSON; `base64` has its bytes where they are not UTF-8."""

    id: str
    attempt: int
    stream: str
    at: datetime
    text: str
    base64: bytes | None = None


class LogWriter:
    """Writes frames to stdout and stderr; `close` writes what is left of unfinished lines."""

    def __init__(self, output: Output, group: str, look: Look = Look(), *, is_group: bool = False) -> None:  # noqa: B008 - immutable
        """Show what jobs of `group` print; `is_group` is False for a job of its own."""
        self._output = output
        self._group = group
        self._is_group = is_group
        self._look = look
        self._by_line = look.timestamps or look.prefix or look.whole_lines or output.json
        self._open: dict[_Source, tuple[int, bytearray]] = {}
        self._attempts: dict[int, int] = {}
        self._decoders: dict[_Source, codecs.IncrementalDecoder] = {}
        self._guarded = {
            STDOUT: output.is_terminal and not look.verbatim,
            STDERR: sys.stderr.isatty() and not look.verbatim,
        }

    def write(self, printed: Printed) -> None:
        """Show one frame."""
        element, attempt, frame = printed
        if frame.stream == CUT:
            self._show_cut(frame.data)
        elif frame.stream in self._look.streams:
            source = _Source(element, attempt, frame.stream)
            if self._by_line:
                if self._attempts.setdefault(element, attempt) < attempt:
                    self._attempts[element] = attempt
                    self._end_lines(lambda one: one.element == element and one.attempt < attempt)
                self._split(source, frame.at_us, frame.data)
            else:
                self._show(source, frame.data)

    def close(self) -> None:
        """Show the lines that have no end."""
        self._end_lines(lambda _: True)

    def _end_lines(self, is_over: Callable[[_Source], bool]) -> None:
        """Show the lines without an end from sources that will say no more."""
        for source in [source for source in self._open if is_over(source)]:
            at_us, data = self._open.pop(source)
            if data:
                self._show_line(source, at_us, bytes(data))

    def _split(self, source: _Source, at_us: int, data: bytes) -> None:
        started_us, held = self._open.pop(source, (at_us, bytearray()))
        held += data
        if b"\n" not in data:
            self._open[source] = started_us, held
            return
        *lines, rest = bytes(held).split(b"\n")
        for number, line in enumerate(lines):
            self._show_line(source, at_us if number else started_us, line)
        if rest:
            self._open[source] = at_us, bytearray(rest)

    def _show_line(self, source: _Source, at_us: int, line: bytes) -> None:
        if self._output.json:
            self._output.document(self._document(source, at_us, line))
            return
        head = ""
        if self._look.prefix:
            head += f"{self._label(source)}: "
        if self._look.timestamps:
            head += f"{_to_time(at_us).isoformat(timespec='milliseconds').replace('+00:00', 'Z')} "
        self._show(source, head.encode() + line + b"\n")

    def _label(self, source: _Source) -> str:
        job = str(source.element) if self._is_group else self._group
        return f"{job}#{source.attempt}" if self._look.attempts else job

    def _document(self, source: _Source, at_us: int, line: bytes) -> _Line:
        try:
            text, raw = line.decode(), None
        except UnicodeDecodeError:
            text, raw = line.decode(errors="replace"), line
        job_id = JobId(self._group, source.element if self._is_group else None)
        return _Line(str(job_id), source.attempt, _NAMES[source.stream], _to_time(at_us), text, raw)

    def _show(self, source: _Source, data: bytes) -> None:
        if self._guarded[source.stream]:
            decoder = self._decoders.get(source)
            if decoder is None:
                decoder = self._decoders[source] = codecs.getincrementaldecoder("utf-8")("backslashreplace")
            data = neutralise(decoder.decode(data)).encode()
        if source.stream == STDOUT:
            self._output.write(data)
        else:
            self._output.write_error(data)

    def _show_cut(self, count: bytes) -> None:
        size = f"{int(count):,} bytes" if count.isdigit() else "output"
        self._output.note(f"[… {size} not kept …]")


def _to_time(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)
