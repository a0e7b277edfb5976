r"""Clean a CSV file: values trimmed, one way to say "nothing", ISO dates, each key once, bad rows put aside.

::

    tq submit -f jobs/clean.toml --arg source="$PWD/members.csv" --arg target="$PWD/clean.csv" \
        --arg key=email --arg 'dates={"joined": "%d.%m.%Y"}'

Each row is either in the target or, as it was and with its line and the reason, in the file of rejects: none is lost,
and none is changed by guessing. Rows go through one by one and the keys seen live on disk, so a file may be larger than
memory. The source stays as it is, so the job may run twice; cleaning what is clean changes nothing.
"""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from jobs._arguments import list_texts
from jobs._atomic import replace_file
from jobs._progress import say
from jobs._rules import RowError, Rules, check_date_format
from jobs._seen import SeenKeys
from jobs._table import open_table

if TYPE_CHECKING:
    from _csv import Writer
    from collections.abc import Iterator, Mapping, Sequence

    from jobs._table import Row, Table

NULLS = ("null", "none", "nil", "n/a", "#n/a", "nan", r"\N", "-")
"""What means "no value", in upper or lower case. Not `NA`, which is Namibia."""

_PROGRESS_ROWS = 100_000


class _Plain(csv.unix_dialect):
    """Quotes where they are needed, and the line ends of Unix; a lone CR would need some, but clean rows have none."""

    quoting = csv.QUOTE_MINIMAL


class Counts(TypedDict):
    """Where the rows went: each one `read` is among `written`, `rejected` or `duplicates`."""

    path: str
    rejects_path: str
    read: int
    written: int
    rejected: int
    duplicates: int


def normalize(  # noqa: PLR0913 -- a job's arguments are the keys of its file
    source: str,
    target: str,
    *,
    rejects: str | None = None,
    key: str | Sequence[str] = (),
    required: str | Sequence[str] = (),
    dates: Mapping[str, str] | None = None,
    nulls: str | Sequence[str] = NULLS,
    delimiter: str | None = None,
    encoding: str = "utf-8-sig",
) -> Counts:
    """Write the clean rows of the CSV file `source` to `target`, the others to `rejects`, and return how many.

    Of rows with the same values in the columns `key` the first one stays. Columns of `key` and `required` must have a
    value. `dates` maps columns to the `strptime` format they are in. `rejects` is `target` with `.rejects.csv` at its
    end where it is not given. What is written is UTF-8 with commas, whatever `delimiter` and `encoding` came in.

    Raises:
        ValueError: an argument is wrong; as `TableError`, which names the line: `source` is no table or has no such
            column.
        OSError: a file can't be read or written. After any error both files are what they were before.
    """
    path = Path(target).resolve()
    side = (path.with_suffix(".rejects.csv") if rejects is None else Path(rejects)).resolve()
    _check_apart(source=Path(source).resolve(), target=path, rejects=side)
    with open_table(source, delimiter=delimiter, encoding=encoding) as table:
        keys = list_texts(key, argument="key")
        rules = Rules(
            columns=table.columns,
            nulls={null.casefold() for null in list_texts(nulls, argument="nulls")},
            dates=_check_dates(table, dates),
            key=[table.get_position(column, argument="key") for column in keys],
            required=[
                table.get_position(column, argument="required")
                for column in [*list_texts(required, argument="required"), *keys]
            ],
        )
        say(f"cleaning {source}: {len(table.columns)} columns")
        counts = Counts(path=str(path), rejects_path=str(side), read=0, written=0, rejected=0, duplicates=0)
        # The target gets its name last: where it is new, so are the rejects.
        with _open_writer(path, _Plain) as good, _open_writer(side, csv.unix_dialect) as bad:
            good.writerow(table.columns)
            bad.writerow(["line", "reason", *table.columns])
            _clean_rows(table.rows, rules, counts, good, bad)
    say(f"wrote {path}: {_describe(counts)}")
    return counts


def _check_apart(**paths: Path) -> None:
    """Return where no two of the files are the same.

    A job may run twice: where it had replaced its source, the second time would find nothing to reject, and so replace
    the rejects by none.
    """
    for (one, path), (other, its) in combinations(paths.items(), 2):
        if path == its:
            msg = f"{one} and {other} are both {path}"
            raise ValueError(msg)


def _clean_rows(rows: Iterator[Row], rules: Rules, counts: Counts, good: Writer, bad: Writer) -> None:
    with SeenKeys() as seen:
        for row in rows:
            if counts["read"] and counts["read"] % _PROGRESS_ROWS == 0:
                say(_describe(counts))
            counts["read"] += 1
            try:
                fields = rules.clean(row.fields)
            except RowError as error:
                counts["rejected"] += 1
                bad.writerow([row.line, error, *row.fields])
                continue
            first = seen.claim([fields[position] for position in rules.key], line=row.line) if rules.key else None
            if first is None:
                counts["written"] += 1
                good.writerow(fields)
            else:
                counts["duplicates"] += 1
                bad.writerow([row.line, f"same key as line {first}", *row.fields])


def _describe(counts: Counts) -> str:
    return (
        f"{counts['read']} rows read, {counts['written']} written, "
        f"{counts['rejected']} rejected, {counts['duplicates']} duplicates"
    )


def _check_dates(table: Table, dates: Mapping[str, str] | None) -> dict[int, str]:
    if not isinstance(dates or {}, dict):
        msg = f'dates must map columns to formats, as in {{"joined": "%d.%m.%Y"}}, not {dates!r}'
        raise ValueError(msg)  # noqa: TRY004 -- the user's value is wrong, not a programmer's type
    return {
        table.get_position(column, argument="dates"): check_date_format(date_format, column=column)
        for column, date_format in (dates or {}).items()
    }


@contextmanager
def _open_writer(path: Path, dialect: type[csv.Dialect]) -> Iterator[Writer]:
    with replace_file(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        yield csv.writer(text, dialect)
        text.detach()  # flushed; the file itself belongs to `replace_file`
