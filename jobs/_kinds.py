"""What the values of a column are: numbers, dates or text."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

_NUMBERS = {
    ".": re.compile(r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3}){1,9}|[0-9]{1,30})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?"),
    ",": re.compile(r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{3}){1,9}|[0-9]{1,30})(?:,[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?"),
}
DECIMAL_MARKS = tuple(_NUMBERS)

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*", re.ASCII)


class Kind(StrEnum):
    """What all values of a column are, the empty ones aside; `EMPTY` where there are only those."""

    NUMBER = "number"
    DATE = "date"
    TEXT = "text"
    EMPTY = "empty"


def parse_number(text: str, decimal_mark: str = ".") -> Decimal:
    """Return a number exactly as it is written; the other mark may separate thousands.

    >>> parse_number("-1,234.50")
    Decimal('-1234.50')
    >>> parse_number("1.234,50", ",")
    Decimal('1234.50')

    Raises:
        ValueError: it is no number; neither are "NaN" and "Infinity".
    """
    if _NUMBERS[decimal_mark].fullmatch(text) is None:
        msg = f"{text!r} is not a number with decimal mark {decimal_mark!r}"
        raise ValueError(msg)
    thousands_mark = "," if decimal_mark == "." else "."
    return Decimal(text.replace(thousands_mark, "").replace(decimal_mark, "."))


def parse_iso(text: str) -> date | datetime:
    """Return an ISO 8601 date (`2026-03-01`), or a date with a time of day (`2026-03-01T17:30`).

    Raises:
        ValueError: it is neither, or there is no such day.
    """
    if _ISO_DATE.fullmatch(text):
        return date.fromisoformat(text)
    if _ISO_MOMENT.fullmatch(text):
        return datetime.fromisoformat(text)
    msg = f"{text!r} is not an ISO 8601 date"
    raise ValueError(msg)


class KindFinder:
    """Finds the kind of one column while its values pass by."""

    def __init__(self, decimal_mark: str = ".") -> None:
        """Begin with no value seen."""
        self._decimal_mark = decimal_mark
        self._kind = Kind.EMPTY

    @property
    def kind(self) -> Kind:
        """What all values so far were."""
        return self._kind

    def see(self, text: str) -> None:
        """Take one more value into account."""
        if text and self._kind is not Kind.TEXT:
            kind = self._find_kind(text)
            self._kind = kind if self._kind in {Kind.EMPTY, kind} else Kind.TEXT

    def _find_kind(self, text: str) -> Kind:
        try:
            parse_number(text, self._decimal_mark)
        except ValueError:
            pass
        else:
            return Kind.NUMBER
        try:
            parse_iso(text)
        except ValueError:
            return Kind.TEXT
        return Kind.DATE
