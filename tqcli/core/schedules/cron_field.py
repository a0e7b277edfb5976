"""One field of a cron expression: its grammar, and errors that point at the wrong characters.

::

    field = item *("," item)
    item  = ("*" / value / value "-" value) ["/" step]
          / "L" ["-" before] / day "W" / "LW"             day of month
          / weekday "L" / weekday "#" nth                 day of week
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

import msgspec

from tqcli.core.names import quote
from tqcli.core.nearest import nearest
from tqcli.core.schedules.cron_day import LastDay, NamedDay, NearestWorkday, NthWeekday
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBER = re.compile(r"\d+", re.ASCII)
_WEEKS_MAX = 5
_BEFORE_MAX = 30


class FieldKind(msgspec.Struct, frozen=True):
    """What one of the fields may hold; `names` stand for numbers from `low` on, `hint` shows how it is written."""

    noun: str
    low: int
    high: int
    hint: str
    names: tuple[str, ...] = ()


SECOND = FieldKind("second", 0, 59, "write 0-59, as in '30 0 4 * * *'")
MINUTE = FieldKind("minute", 0, 59, "write 0-59, as in '30 4 * * *'")
HOUR = FieldKind("hour", 0, 23, "write 0-23, as in '30 4 * * *'")
DAY = FieldKind("day of month", 1, 31, "write 1-31, L for the last day or 15W, as in '30 4 1,15 * *'")
MONTH = FieldKind("month", 1, 12, "write 1-12 or jan-dec, as in '30 4 1 jan,jul *'", _MONTHS)
WEEKDAY = FieldKind("day of week", 0, 7, "write 0-7 or sun-sat, 1#2 or 5L, as in '30 4 * * mon-fri'", _WEEKDAYS)


class Field(msgspec.Struct, frozen=True):
    """What a field asks for: `numbers` in order, days by name, and whether it was written with a `*` first.

    Sunday is 0 or 7, as it was written.
    """

    numbers: tuple[int, ...]
    named: tuple[NamedDay, ...]
    starred: bool


class Word(msgspec.Struct, frozen=True):
    """A piece of the expression, and at which of its characters, from 0, it starts."""

    text: str
    at: int

    def split(self, separator: str) -> list[Word]:
        """Return the pieces between the separators."""
        pieces, at = [], self.at
        for text in self.text.split(separator):
            pieces.append(Word(text, at))
            at += len(text) + len(separator)
        return pieces

    def cut(self, start: int, end: int | None = None) -> Word:
        """Return the characters from `start` to before `end`."""
        return Word(self.text[start:end], self.at + start)


class FieldReader:
    """Reads one field; `expression` is the whole text, for the messages."""

    def __init__(self, kind: FieldKind, expression: str) -> None:
        self._kind = kind
        self._expression = expression
        self._numbers: set[int] = set()
        self._named: list[NamedDay] = []

    def read(self, word: Word) -> Field:
        """Return what the field asks for.

        Raises:
            InvalidInput: it has another form, or a value out of range; the message says at which position.
        """
        for item in word.split(","):
            self._read_item(item)
        return Field(tuple(sorted(self._numbers)), tuple(self._named), starred=word.text.startswith("*"))

    def _read_item(self, item: Word) -> None:
        if not item.text:
            self._fail(item, "there is a comma with nothing on one side of it")
        named = self._read_named(item)
        if named is not None:
            self._named.append(named)
            return
        span, *steps = item.split("/")
        if len(steps) > 1:
            self._fail(steps[1], f"{quote(item.text)} has two steps")
        low, high = self._read_span(span, stepped=bool(steps))
        step = 1
        if steps:
            step = self._read_step(steps[0])
        self._numbers.update(range(low, high + 1, step))

    def _read_step(self, word: Word) -> int:
        kind = self._kind
        size = kind.high - kind.low + 1
        if _NUMBER.fullmatch(word.text) is not None and int(word.text) > size:
            hint = "steps begin anew with each turn of the field; --every counts on, as in --every 90m"
            self._fail(word, f"the step {quote(word.text)} is more than the {size} values there are", hint=hint)
        return self._number(word, "the step", 1, size)

    def _read_span(self, span: Word, *, stepped: bool) -> tuple[int, int]:
        if span.text == "*":
            return self._kind.low, self._kind.high
        low, *rest = span.split("-")
        if not low.text and rest:
            self._fail(span, f"{quote(span.text)} is not a value")
        first = self._value(low)
        if len(rest) > 1:
            self._fail(rest[1], f"{quote(span.text)} has two ranges")
        if not rest:
            # As nats-server and Quartz read N/step; Debian's cron takes no step without a range.
            return first, self._kind.high if stepped else first
        last = self._value(rest[0])
        if last < first:
            self._fail(span, f"{quote(span.text)} runs backwards", hint=self._forwards(low.text, rest[0].text))
        return first, last

    def _forwards(self, low: str, high: str) -> str:
        kind = self._kind
        start, end = str(kind.low), str(kind.high if kind is not WEEKDAY else kind.high - 1)
        if low.lower() in kind.names:
            start, end = kind.names[0], kind.names[-1]
        after = high if high == start else f"{start}-{high}"
        return f"a range ends where the field does: write {low}-{end},{after}"

    def _value(self, word: Word) -> int:
        kind = self._kind
        lowered = word.text.lower()
        if lowered in kind.names:
            return kind.names.index(lowered) + kind.low
        return self._number(word, "", kind.low, kind.high)

    def _number(self, word: Word, noun: str, low: int, high: int) -> int:
        text, called = word.text, f"{noun} " if noun else ""
        if not text:
            self._fail(word, f"{noun or 'a value'} is missing")
        if _NUMBER.fullmatch(text) is None:
            near = nearest(text.lower(), self._kind.names) if self._kind.names and not noun else None
            hint = self._kind.hint if near is None else f"did you mean {near!r}?"
            self._fail(word, f"{called}{quote(text)} is not {'a number' if noun else self._a_value()}", hint=hint)
        number = int(text)
        if number > high:
            self._fail(word, f"{called}{quote(text)} is more than {high}")
        if number < low:
            self._fail(word, f"{called}{quote(text)} is less than {low}")
        return number

    def _a_value(self) -> str:
        return f"{'an' if self._kind is HOUR else 'a'} {self._kind.noun}"

    def _read_named(self, item: Word) -> NamedDay | None:
        """Return the day that an item with L, W or # names; None where it is an ordinary item."""
        read: Callable[[Word], NamedDay | None] | None = {DAY: self._read_day, WEEKDAY: self._read_weekday}.get(
            self._kind
        )
        return None if read is None else read(item)

    def _read_day(self, item: Word) -> NamedDay | None:
        text = item.text.upper()
        if text == "L":
            return LastDay(before=0)
        if text == "LW":
            return NearestWorkday(day=None)
        if text.endswith("W"):
            return NearestWorkday(day=self._number(item.cut(0, -1), "the day", DAY.low, DAY.high))
        if text.startswith("L-"):
            return LastDay(before=self._number(item.cut(2), "the number after L-", 1, _BEFORE_MAX))
        return None

    def _read_weekday(self, item: Word) -> NamedDay | None:
        weekday, *nths = item.split("#")
        if nths:
            nth = (
                self._number(nths[0], "the week after #", 1, _WEEKS_MAX)
                if len(nths) == 1
                else self._fail(nths[1], f"{quote(item.text)} has two #")
            )
            return NthWeekday(self._value(weekday), nth)
        if item.text.upper() == "L":
            self._fail(item, "'L' names no weekday", hint="write 6 for each Saturday, 6L for the month's last one")
        if item.text.upper().endswith("L"):
            return NthWeekday(self._value(item.cut(0, -1)), nth=None)
        return None

    def _fail(self, word: Word, what: str, *, hint: str | None = None) -> NoReturn:
        where = f"the {self._kind.noun} field, at position {word.at + 1}"
        msg = f"the cron expression {quote(self._expression)}, {where}: {what}"
        raise InvalidInput(msg, hint=self._kind.hint if hint is None else hint)
