"""CSV files as they come: every delimiter, encoding and kind of damage."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs._table import TableError, open_table

if TYPE_CHECKING:
    from pathlib import Path

    from jobs._table import Row


def read(path: Path, content: bytes, **options: str) -> tuple[list[str], list[Row]]:
    """Return columns and rows of a file with this content."""
    path.write_bytes(content)
    with open_table(str(path), **options) as table:
        return table.columns, list(table.rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_out(tmp_path: Path, delimiter: str) -> None:
    """Commas inside quotes, and decimal commas, don't mislead."""
    rows = [["name", "price", "note"], ["bolt, M4", "1,50", "a;b"], ["nut", "0,75", ""]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    columns, found = read(tmp_path / "x.csv", text.getvalue().encode())
    assert [columns, *(row.fields for row in found)] == rows


def test_any_other_delimiter_can_be_named(tmp_path: Path) -> None:
    """It is one character, whichever."""
    assert read(tmp_path / "x.csv", b"a^b\n1^2\n", delimiter="^")[0] == ["a", "b"]


def test_one_column_is_a_table_too(tmp_path: Path) -> None:
    """There is no delimiter to find then."""
    assert read(tmp_path / "x.csv", b"name\nann\nbob\n")[0] == ["name"]


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    """Values of several lines and empty lines included, so that messages lead to the right place."""
    _, rows = read(tmp_path / "x.csv", b'a,b\r\n1,"two\r\nlines"\r\n\r\n3,4\r\n')
    assert [(row.line, row.fields) for row in rows] == [(2, ["1", "two\r\nlines"]), (5, ["3", "4"])]


def test_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    """Spreadsheet programs write one."""
    assert read(tmp_path / "x.csv", b"\xef\xbb\xbfname,age\n")[0] == ["name", "age"]


def test_encoding_can_be_named(tmp_path: Path) -> None:
    """Old ones as well as wide ones."""
    assert read(tmp_path / "x.csv", "größe,x\n".encode("cp1252"), encoding="cp1252")[0] == ["größe", "x"]
    assert read(tmp_path / "x.csv", "größe,x\n".encode("utf-16"), encoding="utf-16")[0] == ["größe", "x"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,,c\n", "line 1: column 2 has no name"),
        (b"a,b, a\n", "line 1: there are two columns named 'a'"),
        (b'a,b\n1,2\n3,"never closed\n5,6\n', "line 3: unexpected end of data"),
        (b'a,b\n1,2\n"x"y,4\n', "line 3: ',' expected after '\"'"),
        (b"a,b\n1,\xff\n", "can't be read as utf-8-sig near line 1 .*; name its encoding"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", "line 2: field larger than field limit"),
        (b"a,b\n" + b"x" * 2_000_000, "line 2: longer than 1048576 characters; is it a CSV file"),
    ],
)
def test_damage_is_named_with_its_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    """Each message has the file, and the line where there is one."""
    with pytest.raises(TableError, match=r"x\.csv.*" + complaint):
        read(tmp_path / "x.csv", content)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"delimiter": "::"}, "delimiter must be one character"),
        ({"delimiter": '"'}, "delimiter must be one character"),
        ({"delimiter": ""}, "delimiter must be one character"),
        ({"encoding": "klingon"}, "there is no encoding 'klingon'"),
    ],
)
def test_wrong_option_is_named(tmp_path: Path, options: dict[str, str], complaint: str) -> None:
    """Before anything is read."""
    with pytest.raises(ValueError, match=complaint):
        read(tmp_path / "x.csv", b"a,b\n", **options)


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=2, max_size=4), min_size=1),
    st.sampled_from(",;\t|"),
)
def test_whatever_csv_can_hold_comes_through(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str
) -> None:
    """Quotes, line ends and NUL inside values change nothing, rows of any width included."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    path = tmp_path_factory.mktemp("table") / "x.csv"
    _, found = read(path, text.getvalue().encode(), delimiter=delimiter)
    assert [row.fields for row in found] == rows


def test_missing_file_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's directory is seldom the one that its user has in mind."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "gone.csv"))), open_table("gone.csv"):
        pass
