"""CSV files: the delimiter found out, the header checked, rows one by one with the number of their line."""

from __future__ import annotations

import csv
import itertools
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS = ",;\t|"
"""What is tried where no delimiter is given."""

_SAMPLE_LINES = 50
_MAX_LINE_CHARACTERS = 1024 * 1024


class TableError(ValueError):
    """The file is no CSV table; the message says where."""


class Row(NamedTuple):
    """One row: `line` is the number of its first line in the file, counted from 1, with `fields` as they stand."""

    line: int
    fields: list[str]


class Table(NamedTuple):
    """An open CSV file: `rows` reads on as it is asked, so that a file of any size takes the memory of one row."""

    path: Path
    columns: list[str]
    rows: Iterator[Row]

    def get_position(self, column: str, *, argument: str) -> int:
        """Return the position of a column in each row, counted from 0.

        Raises:
            TableError: there is no such column.
        """
        try:
            return self.columns.index(column)
        except ValueError:
            columns = ", ".join(map(repr, self.columns))
            msg = f"{self.path} has no column {column!r} ({argument}); its columns are {columns}"
            raise TableError(msg) from None


@contextmanager
def open_table(source: str, *, delimiter: str | None = None, encoding: str = "utf-8-sig") -> Iterator[Table]:
    """Yield the table in the file `source`; its first row names the columns, empty lines are passed over.

    `delimiter` is any one character; where it is None, that of `DELIMITERS` which fits the first lines best.

    Raises:
        TableError: the file is empty or its header is unusable; and while rows are read: a quote is never closed, or
            bytes are not in this encoding.
        ValueError: there is no such encoding, or the delimiter is no single character.
        OSError: the file can't be read.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        msg = f"delimiter must be one character, and no quote or line end, not {delimiter!r}"
        raise ValueError(msg)
    path = Path(source).absolute()  # so that an error says where it was looked for
    with _open_text(path, encoding) as file:
        lines = _read_lines(path, file)
        sample = list(itertools.islice(lines, _SAMPLE_LINES))
        rows = _read_rows(path, itertools.chain(sample, lines), delimiter or find_delimiter(sample))
        yield Table(path, _read_header(path, rows), rows)


def find_delimiter(sample: list[str]) -> str:
    r"""Return the delimiter that splits most of these lines into as many fields as the first one.

    >>> find_delimiter(["name;price\n", "bolt;1,50\n", "nut;0,75\n"])
    ';'
    """

    def fit(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(fields) for fields in csv.reader(sample, delimiter=delimiter) if fields]
        except csv.Error:
            return (0, 0)
        return (widths.count(widths[0]), widths[0]) if widths and widths[0] > 1 else (0, 0)

    return max(DELIMITERS, key=fit)  # of equals the first, so a file of one column counts as comma-separated


def _open_text(path: Path, encoding: str) -> TextIO:
    try:
        return path.open(encoding=encoding, newline="")
    except LookupError:
        msg = f"there is no encoding {encoding!r}; usual ones are utf-8, cp1252, latin-1, utf-16"
        raise ValueError(msg) from None


def _read_lines(path: Path, file: TextIO) -> Iterator[str]:
    for number in itertools.count(1):
        try:
            line = file.readline(_MAX_LINE_CHARACTERS)
        except UnicodeError as error:
            msg = f"{path} can't be read as {file.encoding} near line {number} ({error}); name its encoding"
            raise TableError(msg) from error
        if len(line) == _MAX_LINE_CHARACTERS:
            msg = f"{path}, line {number}: longer than {_MAX_LINE_CHARACTERS} characters; is it a CSV file?"
            raise TableError(msg)
        if not line:
            return
        yield line


def _read_rows(path: Path, lines: Iterator[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)  # strict: a quote left open is an error, no long field
    while True:
        first_line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            msg = f"{path}, line {first_line}: {error}"
            raise TableError(msg) from error
        if fields is None:
            return
        if fields:
            yield Row(first_line, fields)


def _read_header(path: Path, rows: Iterator[Row]) -> list[str]:
    header = next(rows, None)
    if header is None:
        msg = f"{path} is empty: its first line must name the columns"
        raise TableError(msg)
    columns = [name.strip() for name in header.fields]
    for position, name in enumerate(columns, 1):
        if not name:
            msg = f"{path}, line {header.line}: column {position} has no name"
            raise TableError(msg)
        if columns.count(name) > 1:
            msg = f"{path}, line {header.line}: there are two columns named {name!r}"
            raise TableError(msg)
    return columns
