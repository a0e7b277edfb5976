"""`jobs.clean` on real files, small and large."""

from __future__ import annotations

import csv
import io
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs._rules import parse_date
from jobs._table import TableError
from jobs.clean import Counts, normalize
from tests.jobs.full_disk import limit_file_size

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = """\
email;name;joined;note
ann@example.org;  Ann  ;31.12.2025;N/A
bob@example.org;Bob;2026-01-15;"a;b"
ann@example.org;Ann again;01.01.2026;
;Nobody;01.01.2026;
carol@example.org;Carol;31.02.2026;
dave@example.org;Dave;01.01.2026
eve@example.org;NULL;01.01.2026;
frank@example.org;Frank;-;-
"""
RULES = {"key": "email", "required": ["name"], "dates": {"joined": "%d.%m.%Y"}}


def clean(tmp_path: Path, table: str, **options: Any) -> Counts:
    """Clean a file with this content."""
    source = tmp_path / "members.csv"
    source.write_bytes(table.encode())
    return normalize(str(source), str(tmp_path / "clean.csv"), **options)


def read(path: Path) -> list[list[str]]:
    """Return all rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


def test_each_row_is_clean_or_put_aside_with_the_reason(tmp_path: Path) -> None:
    """None is lost, none is changed by guessing; rejects keep what they had, with their line."""
    counts = clean(tmp_path, MEMBERS, **RULES)
    assert read(tmp_path / "clean.csv") == [
        ["email", "name", "joined", "note"],
        ["ann@example.org", "Ann", "2025-12-31", ""],
        ["bob@example.org", "Bob", "2026-01-15", "a;b"],
        ["frank@example.org", "Frank", "", ""],
    ]
    assert read(tmp_path / "clean.rejects.csv") == [
        ["line", "reason", "email", "name", "joined", "note"],
        ["4", "same key as line 2", "ann@example.org", "Ann again", "01.01.2026", ""],
        ["5", "email: no value", "", "Nobody", "01.01.2026", ""],
        ["6", "joined: '31.02.2026' is not a date like %d.%m.%Y", "carol@example.org", "Carol", "31.02.2026", ""],
        ["7", "3 fields where the header has 4", "dave@example.org", "Dave", "01.01.2026"],
        ["8", "name: no value", "eve@example.org", "NULL", "01.01.2026", ""],
    ]
    assert counts == {
        "path": str(tmp_path / "clean.csv"),
        "rejects_path": str(tmp_path / "clean.rejects.csv"),
        "read": 8,
        "written": 3,
        "rejected": 4,
        "duplicates": 1,
    }


def test_without_rules_only_the_form_changes(tmp_path: Path) -> None:
    """Equal rows stay: without a key nobody said what makes two rows the same."""
    counts = clean(tmp_path, "a\tb\n x \tNULL\n x \tNULL\n")
    assert (tmp_path / "clean.csv").read_bytes() == b"a,b\nx,\nx,\n"
    assert (counts["written"], counts["duplicates"]) == (2, 0)


def test_nulls_can_be_named(tmp_path: Path) -> None:
    """`NA` is Namibia by default, and nothing where the user says so."""
    clean(tmp_path, "country,code\nNamibia,NA\n")
    assert read(tmp_path / "clean.csv")[1] == ["Namibia", "NA"]
    clean(tmp_path, "country,code\nNamibia,NA\nnull,na\n", nulls="na")
    assert read(tmp_path / "clean.csv")[1:] == [["Namibia", ""], ["null", ""]]


def test_key_of_several_columns_is_compared_column_by_column(tmp_path: Path) -> None:
    """("a", "bc") and ("ab", "c") are two keys; what is equal after cleaning is one."""
    counts = clean(tmp_path, "x,y\na,bc\nab,c\n a ,bc\n", key=["x", "y"])
    assert (counts["written"], counts["duplicates"]) == (2, 1)


def test_output_is_utf8_whatever_came_in(tmp_path: Path) -> None:
    """Old encodings and line ends end here."""
    source = tmp_path / "members.csv"
    source.write_bytes('größe;x\r\n"1\r\n2";3\r\n'.encode("cp1252"))
    normalize(str(source), str(tmp_path / "clean.csv"), encoding="cp1252")
    assert (tmp_path / "clean.csv").read_bytes() == 'größe,x\n"1\n2",3\n'.encode()


def test_rejects_keep_every_character_they_had(tmp_path: Path) -> None:
    """Line ends and spaces too, so that what was wrong can be seen and mended."""
    clean(tmp_path, '"a",b\r\n" x\ry\r\n",\r\n', required="b")
    assert read(tmp_path / "clean.rejects.csv")[1] == ["2", "b: no value", " x\ry\r\n", ""]


def test_source_is_never_replaced(tmp_path: Path) -> None:
    """A second run would reject nothing, and what the first one rejected would be gone."""
    path = tmp_path / "members.csv"
    path.write_text(MEMBERS)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    with pytest.raises(ValueError, match="source and target are both"):
        normalize(str(path), str(link))
    with pytest.raises(ValueError, match="source and rejects are both"):
        normalize(str(path), str(tmp_path / "clean.csv"), rejects=str(path))
    assert path.read_text() == MEMBERS


cells = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["NULL", " - ", "1.2.2026", "2026-02-01"])


@given(st.lists(st.lists(cells, min_size=1, max_size=3), max_size=8))
def test_cleaning_what_is_clean_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """And every row of any file is accounted for."""
    folder = tmp_path_factory.mktemp("clean")
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    (folder / "0").write_bytes(text.getvalue().encode())
    options: dict[str, Any] = {"key": "a", "dates": {"b": "%d.%m.%Y"}, "delimiter": ","}
    first = normalize(str(folder / "0"), str(folder / "1"), **options)
    second = normalize(str(folder / "1"), str(folder / "2"), **options)
    assert first["written"] + first["rejected"] + first["duplicates"] == first["read"] == len(rows)
    assert second["written"] == second["read"] == first["written"]
    assert (folder / "1").read_bytes() == (folder / "2").read_bytes()
    kept, rejected = read(folder / "1")[1:], read(folder / "1.rejects.csv")[1:]
    assert len(kept) == first["written"]
    originals = [row for _, _, *row in rejected]
    assert all(original in rows for original in originals)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """12,000 keys alone would take more than the allowance if they were held."""
    source = tmp_path / "large.csv"
    with source.open("w") as file:
        file.write("id,name\n")
        file.writelines(f"{number},{'x' * 50}\n" for number in range(12_000))
    tracemalloc.start()
    try:
        counts = normalize(str(source), str(tmp_path / "clean.csv"), key="id")
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert counts["written"] == 12_000
    assert peak_bytes < 700_000


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (MEMBERS + 'zoe@example.org;"Zoe;01.01.2026;\n', "line 10: unexpected end of data"),
        ("", "is empty"),
        ("email;;joined\n", "column 2 has no name"),
        ("mail;name;joined\n", r"no column 'email' \(key\); its columns are 'mail', 'name', 'joined'"),
        ("email;name;note\n", r"no column 'joined' \(dates\)"),
        ("email;joined;note\n", r"no column 'name' \(required\)"),
    ],
)
def test_file_that_is_no_such_table_fails_as_a_whole(tmp_path: Path, table: str, complaint: str) -> None:
    """Where a row ends can't be guessed after a stray quote; what was there before stays."""
    (tmp_path / "clean.csv").write_text("yesterday's")
    with pytest.raises(TableError, match=complaint):
        clean(tmp_path, table, **RULES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean.csv", "members.csv"]
    assert (tmp_path / "clean.csv").read_text() == "yesterday's"


def test_full_disk_keeps_both_old_files(tmp_path: Path) -> None:
    """Neither a part of the clean rows nor rejects without them."""
    (tmp_path / "clean.csv").write_text("yesterday's")
    source = tmp_path / "members.csv"
    source.write_text("a,b\n" + f"{'x' * 100},y\n" * 9000)
    with pytest.raises(OSError, match="File too large"), limit_file_size(500_000):
        normalize(str(source), str(tmp_path / "clean.csv"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean.csv", "members.csv"]
    assert (tmp_path / "clean.csv").read_text() == "yesterday's"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"dates": {"joined": "%Q"}}, r"dates: '%Q' \(column 'joined'\) is no format of a day"),
        ({"dates": {"joined": "%d.%m."}}, "is no format of a day"),
        ({"dates": {"joined": "%Y-%d-%m"}}, "is no format of a day"),
        ({"dates": {"joined": 1}}, "is no format of a day"),
        ({"dates": "joined"}, "dates must map columns to formats"),
        ({"key": [1]}, "key must be a text or a list of texts"),
        ({"rejects": "{}/clean.csv"}, "target and rejects are both"),
        ({"delimiter": ";;"}, "delimiter must be one character"),
    ],
)
def test_wrong_argument_is_named(tmp_path: Path, options: dict[str, Any], complaint: str) -> None:
    """Before anything is written."""
    if "rejects" in options:
        options = {"rejects": options["rejects"].format(tmp_path)}
    with pytest.raises(ValueError, match=complaint):
        clean(tmp_path, MEMBERS, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["members.csv"]


@pytest.mark.parametrize(
    ("text", "date_format", "iso"),
    [
        ("31.12.2026", "%d.%m.%Y", "2026-12-31"),
        ("12/31/26", "%m/%d/%y", "2026-12-31"),
        ("31.12.2026 17:30", "%d.%m.%Y %H:%M", "2026-12-31T17:30:00"),
        ("31.12.2026 17:30 +0100", "%d.%m.%Y %H:%M %z", "2026-12-31T17:30:00+01:00"),
        ("2026-12-31", "%d.%m.%Y", "2026-12-31"),
        ("2026-12-31T17:30:00", "%d.%m.%Y", "2026-12-31T17:30:00"),
    ],
)
def test_dates_become_iso(text: str, date_format: str, iso: str) -> None:
    """With the time of day where the format has one; what is ISO already stays."""
    assert parse_date(text, date_format).isoformat() == iso
