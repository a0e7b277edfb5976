"""Reading the input that a user points at: a file's name, or `-` for standard input."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, BinaryIO

from tqcli.core.names import quote
from tqcli.core.size import format_size
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD_INPUT = "-"


def read_source(source: str, *, option: str, max_bytes: int) -> bytes:
    """Return all bytes of the file `source`, or of standard input. `option` is named in messages.

    Raises:
        InvalidInput: it can't be read, is a terminal, or has more than `max_bytes`.
    """
    try:
        if source == STANDARD_INPUT:
            data = _standard_input(option).read(max_bytes + 1)
        else:
            with open(source, "rb") as file:  # noqa: PTH123 - pathlib costs a millisecond of import
                data = file.read(max_bytes + 1)
    except OSError as error:
        msg = f"{option}: {_describe(source)} can't be read: {error.strerror}"
        raise InvalidInput(msg, hint="the path is relative to the current directory") from error
    except ValueError as error:  # NUL in a file's name
        msg = f"{option}: {quote(source)} is no file's name"
        raise InvalidInput(msg) from error
    if len(data) > max_bytes:
        msg = f"{option}: {_describe(source)} is larger than {format_size(max_bytes)}"
        raise InvalidInput(msg, hint="put large input into a file that the agents can read")
    return data


def split_lines(data: bytes, *, option: str) -> Iterator[str]:
    """Yield the lines that are not blank, without their ends; only a newline ends a line.

    Raises:
        InvalidInput: a line is not UTF-8 text or has a NUL; the message has its number.
    """
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            msg = f"{option}: line {number} is not valid UTF-8: {quote(line.decode(errors='backslashreplace'))}"
            raise InvalidInput(msg, hint="a file of such a name must be renamed") from error
        if "\0" in text:
            msg = f"{option}: line {number} contains a NUL byte: {quote(text)}"
            raise InvalidInput(msg, hint="separate names with newlines: find -print, not -print0")
        yield text


def _standard_input(option: str) -> BinaryIO:
    stream = sys.stdin
    if stream is None:
        msg = f"{option}: standard input is closed"
        raise InvalidInput(msg, hint="give a file's name")
    if os.isatty(stream.fileno()):
        msg = f"{option}: standard input is a terminal"
        raise InvalidInput(msg, hint=f"pipe something in, as in: cat FILE | tq … {option} -")
    return stream.buffer


def _describe(source: str) -> str:
    return "standard input" if source == STANDARD_INPUT else quote(source)
