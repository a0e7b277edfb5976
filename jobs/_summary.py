"""The values of one column, added up for each value of another, in one reading of the table."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from jobs._kinds import Kind, KindFinder, parse_iso, parse_number
from jobs._progress import say
from jobs._table import Row, TableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs._table import Table

MAX_GROUPS = 10_000
EMPTY_GROUP = "(empty)"
_MAX_PLACES = 6
_PROGRESS_ROWS = 100_000


@dataclass(slots=True)
class Aggregate:
    """Values taken together; `least` and `greatest` mean something from the first value on."""

    count: int = 0
    total: Decimal = Decimal(0)
    least: Decimal = Decimal("Infinity")
    greatest: Decimal = Decimal("-Infinity")

    @property
    def mean(self) -> Decimal:
        """The average of the values, of which there must be one."""
        return self.total / self.count

    def add(self, value: Decimal) -> None:
        """Take one more value in."""
        self.merge(Aggregate(1, value, value, value))

    def merge(self, other: Aggregate) -> None:
        """Take in all values of another one."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.greatest = max(self.greatest, other.greatest)


class Summary(NamedTuple):
    """What a table holds: `missing` of its `rows` had no value; no value has more decimal places than `places`."""

    groups: dict[str, Aggregate]
    kinds: dict[str, Kind]
    rows: int
    missing: int
    places: int


def summarize(table: Table, *, group_by: str, value: str, decimal_mark: str = ".") -> Summary:
    """Return the aggregates of the column `value` for each value of `group_by`, in their order.

    Raises:
        TableError: a column is not there, a row has too few or too many fields, a value is no number, or there is none.
    """
    group_at = table.get_position(group_by, argument="group_by")
    value_at = table.get_position(value, argument="value")
    finders = [KindFinder(decimal_mark) for _ in table.columns]
    groups: dict[str, Aggregate] = {}
    rows = missing = places = 0
    for line, fields in _read_fields(table):
        rows += 1
        for finder, field in zip(finders, fields, strict=True):
            finder.see(field)
        if not fields[value_at]:
            missing += 1
            continue
        try:
            number = parse_number(fields[value_at], decimal_mark)
        except ValueError as error:
            msg = f"{table.path}, line {line}, column {value!r}: {error}"
            raise TableError(msg) from None
        groups.setdefault(fields[group_at] or EMPTY_GROUP, Aggregate()).add(number)
        places = max(places, _count_places(number))
        if len(groups) > MAX_GROUPS:
            msg = f"{table.path}: column {group_by!r} has more than {MAX_GROUPS} different values; group by another"
            raise TableError(msg)
    if not groups:
        msg = f"{table.path}: no row has a value in column {value!r}"
        raise TableError(msg)
    kinds = {column: finder.kind for column, finder in zip(table.columns, finders, strict=True)}
    return Summary(sort_groups(groups, kinds[group_by], decimal_mark), kinds, rows, missing, places)


def sort_groups(groups: dict[str, Aggregate], kind: Kind, decimal_mark: str = ".") -> dict[str, Aggregate]:
    """Return the groups in the order of their `kind`: numbers and dates ascend, text by its total, the largest first.

    The group of the rows that name none comes last.
    """

    def rank(name: str) -> tuple[Any, ...]:
        if name == EMPTY_GROUP:
            return (1,)
        if kind is Kind.NUMBER:
            return (0, parse_number(name, decimal_mark))
        if kind is Kind.DATE:
            return (0, parse_iso(name).isoformat())
        return (0, -groups[name].total, name)

    return {name: groups[name] for name in sorted(groups, key=rank)}


def _read_fields(table: Table) -> Iterator[Row]:
    for number, row in enumerate(table.rows, 1):
        if len(row.fields) != len(table.columns):
            msg = f"{table.path}, line {row.line}: {len(row.fields)} fields where the header has {len(table.columns)}"
            raise TableError(msg)
        if number % _PROGRESS_ROWS == 0:
            say(f"{number} rows read")
        yield Row(row.line, [field.strip() for field in row.fields])


def _count_places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return min(max(-exponent, 0), _MAX_PLACES) if isinstance(exponent, int) else 0
