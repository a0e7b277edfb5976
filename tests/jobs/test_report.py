"""`jobs.report` on real files; its page is read back by a strict parser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs._chart import Bar, draw_bars
from jobs._kinds import KindFinder, parse_number
from jobs._page import MAX_BARS
from jobs._summary import MAX_GROUPS
from jobs._table import TableError
from jobs.report import generate
from tests.jobs.full_disk import limit_file_size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from pathlib import Path

SALES = """\
day,region,amount,note
2026-01-05,north,10.10,
2026-01-06,south,0.20,"late, but paid"
2026-01-07,north,,unpaid
2026-01-08,south,0.10,
2026-01-09,west,-4.00,returned
"""
SVG = "{http://www.w3.org/2000/svg}"


def make(tmp_path: Path, table: str, **options: Any) -> tuple[Any, ET.Element]:
    """Return what `generate` returned, and the page it wrote, for a CSV file with this content."""
    source, target = tmp_path / "sales.csv", tmp_path / "sales.html"
    source.write_text(table, encoding="utf-8")
    report = generate(str(source), str(target), **({"group_by": "region", "value": "amount"} | options))
    return report, parse(target.read_text(encoding="utf-8"))


def parse(page: str) -> ET.Element:
    """Return the page's root; it must be well-formed XML, which a browser then can't misread."""
    assert page.startswith("<!DOCTYPE html>\n")
    return ET.fromstring(page)  # noqa: S314 -- we wrote it


def read_rows(page: ET.Element, part: str = "tbody") -> list[list[str]]:
    """Return the texts in the table, row by row."""
    return [["".join(cell.itertext()) for cell in row] for row in page.findall(f".//{part}/tr")]


def read_bars(page: ET.Element) -> list[tuple[str, float, float]]:
    """Return each bar's label, left end and length."""
    bars = []
    for group in page.findall(f".//{SVG}g"):
        rectangle, text = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        assert rectangle is not None
        assert text is not None
        bars.append((str(text.text), float(rectangle.attrib["x"]), float(rectangle.attrib["width"])))
    return bars


def test_table_has_exact_aggregates_of_each_group(tmp_path: Path) -> None:
    """Sums are decimal: ten cents and twenty are thirty. The last line is all of it."""
    report, page = make(tmp_path, SALES)
    assert read_rows(page, "thead") == [["region", "Count", "Sum", "Mean", "Least", "Greatest"]]
    assert read_rows(page) == [
        ["north", "1", "10.10", "10.10", "10.10", "10.10"],
        ["south", "2", "0.30", "0.15", "0.10", "0.20"],
        ["west", "1", "-4.00", "-4.00", "-4.00", "-4.00"],
    ]
    assert read_rows(page, "tfoot") == [["All", "4", "6.40", "1.60", "-4.00", "10.10"]]
    assert report == {
        "path": str(tmp_path / "sales.html"),
        "rows": 5,
        "missing": 1,
        "groups": 3,
        "columns": {"day": "date", "region": "text", "amount": "number", "note": "text"},
    }


def test_chart_has_a_bar_for_each_group_on_one_scale(tmp_path: Path) -> None:
    """Negative bars end where positive ones begin, at zero."""
    _, page = make(tmp_path, SALES)
    (north, x_north, long), (south, x_south, short), (west, x_west, negative) = read_bars(page)
    assert (north, south, west) == ("north", "south", "west")
    assert x_north == x_south == pytest.approx(x_west + negative, abs=0.2)
    assert long / negative == pytest.approx(10.10 / 4, rel=0.01)
    assert short / long == pytest.approx(0.30 / 10.10, abs=0.01)


def test_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    """No script, no picture, no style sheet from elsewhere: it can be mailed."""
    _, page = make(tmp_path, SALES)
    text = ET.tostring(page, encoding="unicode")
    assert not re.search(r"<script|<link|<img|src=|url\(", text)
    assert page.find(f".//{SVG}svg") is not None


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "^"])
def test_any_delimiter_and_decimal_commas(tmp_path: Path, delimiter: str) -> None:
    """Tables of other countries and programs."""
    table = "region,amount\nnorth,1.234#50\nsouth,0#75\nsouth,-1#00\n".replace(",", delimiter).replace("#", ",")
    options = {"delimiter": "^"} if delimiter == "^" else {}
    _, page = make(tmp_path, table, decimal_mark=",", **options)
    assert read_rows(page) == [
        ["north", "1", "1,234.50", "1,234.50", "1,234.50", "1,234.50"],
        ["south", "2", "-0.25", "-0.12", "-1.00", "0.75"],
    ]


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["2026-02-01", "2025-12-31", "2026-01-15"], ["2025-12-31", "2026-01-15", "2026-02-01"]),
        (["10", "9", "100"], ["9", "10", "100"]),
        (["b", "", "a"], ["a", "b", "(empty)"]),
    ],
)
def test_groups_stand_in_the_order_of_their_kind(tmp_path: Path, values: list[str], order: list[str]) -> None:
    """Dates and numbers ascend; text of equal sums by name, no text last."""
    table = "region,amount\n" + "".join(f"{value},1\n" for value in values)
    _, page = make(tmp_path, table)
    assert [row[0] for row in read_rows(page)] == order
    assert [bar[0] for bar in read_bars(page)] == order


def test_chart_of_many_groups_shows_the_largest(tmp_path: Path) -> None:
    """The table has all of them, and the chart says what it left out."""
    table = "region,amount\n" + "".join(f"r{number:03},{number}\n" for number in range(100))
    _, page = make(tmp_path, table)
    assert len(read_rows(page)) == 100
    assert [bar[0] for bar in read_bars(page)] == [f"r{number:03}" for number in range(99, 99 - MAX_BARS, -1)]
    assert page.findtext(".//figcaption") == "Sum of amount by region: the largest 25 of 100"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\r\n'), min_size=1))
def test_any_text_stands_for_itself(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Markup in a value, a name or the title is text; what no page can hold shows as a replacement character."""
    table = f'"c {text}.",amount\n"g {text}.",1\n'
    _, page = make(tmp_path_factory.mktemp("report"), table, group_by=f"c {text}.", title=f"t {text}.")
    seen = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]").sub("\ufffd", text)
    assert page.findtext(".//h1") == f"t {seen}."
    assert read_rows(page)[0][0] == f"g {seen}."
    assert read_rows(page, "thead")[0][0] == f"c {seen}."


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("region,amount\nnorth,1\nsouth,many\n", r"line 3, column 'amount': 'many' is not a number"),
        ("region,amount\nnorth,NaN\n", r"line 2, column 'amount': 'NaN' is not a number"),
        ("region,amount\nnorth,1\nsouth\n", r"line 3: 1 fields where the header has 2"),
        ("region,amount\nnorth,1,2\n", r"line 2: 3 fields where the header has 2"),
        ("region,amount\nnorth,\n", r"no row has a value in column 'amount'"),
        ("region,amount\n", r"no row has a value in column 'amount'"),
        ("area,amount\nnorth,1\n", r"no column 'region' \(group_by\); its columns are 'area', 'amount'"),
        ("region,sum\nnorth,1\n", r"no column 'amount' \(value\)"),
        ("", r"is empty"),
    ],
)
def test_table_that_makes_no_true_report_makes_none(tmp_path: Path, table: str, complaint: str) -> None:
    """The message has file, line and column; what was there stays."""
    (tmp_path / "sales.html").write_text("yesterday's")
    with pytest.raises(TableError, match=r"sales\.csv.*" + complaint):
        make(tmp_path, table)
    assert (tmp_path / "sales.html").read_text() == "yesterday's"


def test_grouping_by_something_unique_is_refused(tmp_path: Path) -> None:
    """Memory is bounded by the number of groups, and nobody reads such a report."""
    table = "region,amount\n" + "".join(f"{number},1\n" for number in range(MAX_GROUPS + 1))
    with pytest.raises(TableError, match="'region' has more than 10000 different values"):
        make(tmp_path, table)


def test_full_disk_keeps_the_old_report(tmp_path: Path) -> None:
    """The job fails, and says why; readers of the page see yesterday's."""
    (tmp_path / "sales.html").write_text("yesterday's")
    table = "region,amount\n" + "".join(f"{'north' * 20}{number},1\n" for number in range(9000))
    with pytest.raises(OSError, match="File too large"), limit_file_size(1_000_000):
        make(tmp_path, table)
    assert (tmp_path / "sales.html").read_text() == "yesterday's"


def test_missing_source_is_named(tmp_path: Path) -> None:
    """The message has the path."""
    with pytest.raises(FileNotFoundError, match=r"gone\.csv"):
        generate(str(tmp_path / "gone.csv"), str(tmp_path / "x.html"), group_by="a", value="b")


def test_wrong_decimal_mark_is_named(tmp_path: Path) -> None:
    """It is one of two."""
    with pytest.raises(ValueError, match=r"decimal_mark must be one of \., ,, not '#'"):
        make(tmp_path, SALES, decimal_mark="#")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2.50", "", "1,000", "3e-05"], "number"),
        (["2026-03-01", "2026-03-01 17:30", "2026-03-01T17:30:00+01:00"], "date"),
        (["2026-03-01", "1"], "text"),
        (["2026-02-30"], "text"),
        (["1", "2026-03-01", "x"], "text"),
        (["12", "1,00"], "text"),
        (["", ""], "empty"),
    ],
)
def test_kind_is_what_all_values_are(values: Sequence[str], kind: str) -> None:
    """One exception makes a column text."""
    finder = KindFinder()
    for value in values:
        finder.see(value)
    assert finder.kind == kind


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12))
def test_numbers_are_read_as_they_were_written(number: Decimal) -> None:
    """Thousands separated or not, with either decimal mark."""
    assert parse_number(f"{number}") == parse_number(f"{number:,}") == number
    assert parse_number(f"{number:,}".translate({ord(","): ".", ord("."): ","}), ",") == number


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**99), max_value=10**99),
        min_size=1,
        max_size=9,
    )
)
def test_bars_stay_inside_the_chart(values: list[Decimal]) -> None:
    """Whatever the values, all zero included."""
    chart = ET.fromstring(draw_bars([Bar("x", value, "y") for value in values], title="t"))  # noqa: S314 -- we wrote it
    for rectangle in chart.iter(f"{SVG}rect"):
        left, length = float(rectangle.attrib["x"]), float(rectangle.attrib["width"])
        assert left >= 189.9
        assert left + length <= 600.1
