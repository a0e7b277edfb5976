"""What a clean row is: rules for one row at a time, which know nothing of files."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from jobs._kinds import parse_iso

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_TIME_OF_DAY = re.compile(r"%[HIMSfpcX]")
_YEAR = re.compile(r"%[YyGcx]")
_LINE_END = re.compile(r"\r\n?")
_SAMPLE = datetime(2026, 11, 12, 23, 59, 58, tzinfo=UTC)


class RowError(ValueError):
    """The row can't be cleaned; the message is the reason that users read."""


class Rules(NamedTuple):
    """Positions are those of columns, from 0: `dates` maps one to its format, `required` ones must have a value."""

    columns: Sequence[str]
    nulls: Collection[str]
    dates: Mapping[int, str]
    required: Sequence[int]
    key: Sequence[int]

    def clean(self, fields: Sequence[str]) -> list[str]:
        """Return the fields: trimmed, empty where they mean nothing, dates as ISO 8601.

        Raises:
            RowError: there are too few or too many, a date is none, or a required one is empty.
        """
        if len(fields) != len(self.columns):
            msg = f"{len(fields)} fields where the header has {len(self.columns)}"
            raise RowError(msg)
        cleaned = [self._clean_text(field) for field in fields]
        for position, date_format in self.dates.items():
            if cleaned[position]:
                cleaned[position] = self._clean_date(position, cleaned[position], date_format)
        for position in self.required:
            if not cleaned[position]:
                msg = f"{self.columns[position]}: no value"
                raise RowError(msg)
        return cleaned

    def _clean_text(self, field: str) -> str:
        text = _LINE_END.sub("\n", field.strip())
        return "" if text.casefold() in self.nulls else text

    def _clean_date(self, position: int, text: str, date_format: str) -> str:
        try:
            return parse_date(text, date_format).isoformat()
        except ValueError:
            msg = f"{self.columns[position]}: {text!r} is not a date like {date_format}"
            raise RowError(msg) from None


def parse_date(text: str, date_format: str) -> date | datetime:
    """Return the date, or the moment where the format has a time of day; what is ISO 8601 already is taken as well.

    >>> parse_date("31.12.2026", "%d.%m.%Y").isoformat()
    '2026-12-31'

    Raises:
        ValueError: it is in neither form, or there is no such day.
    """
    try:
        moment = datetime.strptime(text, date_format)  # noqa: DTZ007 -- it keeps the zone it has, or has not
    except ValueError:
        return parse_iso(text)
    return moment if _TIME_OF_DAY.search(date_format) else moment.date()


def check_date_format(date_format: object, *, column: str) -> str:
    """Return a format of `strptime` that names a day, and does not read ISO 8601 as another one (as `%Y-%d-%m` would).

    Raises:
        ValueError: it is no such format.
    """
    if not isinstance(date_format, str) or not _names_day(date_format):
        msg = f"dates: {date_format!r} (column {column!r}) is no format of a day; one looks like %d.%m.%Y"
        raise ValueError(msg)
    return date_format


def _names_day(date_format: str) -> bool:
    if _YEAR.search(date_format) is None:  # checked first: Python 3.13 warns of a day without a year
        return False
    iso = _SAMPLE.date().isoformat()
    try:
        written = parse_date(_SAMPLE.strftime(date_format), date_format).isoformat()
        return written.startswith(iso) and parse_date(iso, date_format).isoformat().startswith(iso)
    except ValueError:
        return False
