r"""Make a report of a CSV file: one HTML page with a table of aggregates and a bar chart in it.

::

    tq submit -f jobs/report.toml --arg source="$PWD/sales.csv" --arg target="$PWD/sales.html" \
        --arg group_by=region --arg value=amount

or, from Python: `generate.submit("sales.csv", "sales.html", group_by="region", value="amount").result()`.

The file is read once, row by row: memory grows with the number of groups only. Values are decimal numbers, not floats,
so that the sums of money are right. A value that is no number stops the job and names its line: a report that left rows
out would be wrong and look right. `jobs.clean` sorts such rows out first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from jobs._arguments import check_choice
from jobs._atomic import write_file
from jobs._kinds import DECIMAL_MARKS
from jobs._page import Heading, render_page
from jobs._progress import say
from jobs._summary import summarize
from jobs._table import open_table
from tqcli import job


class Report(TypedDict):
    """What was made: of `rows`, `missing` had no value; `columns` says what is in each: number, date, text, empty."""

    path: str
    rows: int
    missing: int
    groups: int
    columns: dict[str, str]


@job(name="report", timeout="30m")
def generate(  # noqa: PLR0913 -- a job's arguments are the keys of its file
    source: str,
    target: str,
    *,
    group_by: str,
    value: str,
    title: str | None = None,
    delimiter: str | None = None,
    decimal_mark: str = ".",
    encoding: str = "utf-8-sig",
) -> Report:
    """Write the report of the CSV file `source` to `target`, and return what is in it.

    For each value of the column `group_by` there are count, sum, mean, least and greatest of the column `value`.
    Groups that are numbers or dates stand in their own order, others by their sum, the largest first.
    The `delimiter` is found out where none is given; the other one of `.` and `,` than `decimal_mark` may separate
    thousands.

    Raises:
        ValueError: an argument is wrong; as `TableError`, which names the line: `source` is no table, or has no such
            column, or a value that is no number.
        OSError: a file can't be read or written; `target` is then what it was before.
    """
    check_choice(decimal_mark, DECIMAL_MARKS, argument="decimal_mark")
    with open_table(source, delimiter=delimiter, encoding=encoding) as table:
        say(f"reading {source}: {len(table.columns)} columns")
        summary = summarize(table, group_by=group_by, value=value, decimal_mark=decimal_mark)
    heading = Heading(title or f"{value} by {group_by}", Path(source).name, group_by, value, datetime.now(UTC))
    page = render_page(heading, summary.groups, places=summary.places)
    path = Path(target).resolve()
    write_file(path, page.encode())
    say(f"wrote {path}: {summary.rows} rows in {len(summary.groups)} groups")
    return Report(
        path=str(path),
        rows=summary.rows,
        missing=summary.missing,
        groups=len(summary.groups),
        columns={column: kind.value for column, kind in summary.kinds.items()},
    )
