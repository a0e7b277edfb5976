"""From a value to JSON's own types. The format is that of `values`."""

from __future__ import annotations

from tqcli.core.values import MAX_DEPTH, TAG, Misfit

TYPE_CHECKING = False  # `typing` costs a job's start 5 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_MAX_BITS = 14_000
"""Python itself neither writes nor reads an integer of more than 4,300 digits."""


def pack(value: object, name_class: Callable[[type], str] | None = None, depth: int = MAX_DEPTH) -> Any:
    """Return `value` as JSON's own types; `name_class` gives the `module:qualname` of an enum or dataclass.

    Raises:
        Misfit: a part of it is of another type, or it is nested deeper than `depth`.
    """
    return _Packer(name_class or name_importable).pack(value, depth)


def name_importable(kind: type) -> str:
    """Return the name under which a class can be imported.

    Raises:
        Misfit: it was defined inside a function.
    """
    if "<" in kind.__qualname__:
        msg = f"is of {kind.__qualname__}, which no other process can import"
        raise Misfit(msg)
    return f"{kind.__module__}:{kind.__qualname__}"


class _Packer:
    """Makes JSON's types of values."""

    def __init__(self, name_class: Callable[[type], str]) -> None:
        self._name_class = name_class

    def pack(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return _check_text(value)
        if kind is int:
            return _check_integer(value)
        if kind is float and value - value == 0:
            return value
        if depth <= 0:
            msg = f"is nested deeper than {MAX_DEPTH} levels, or within itself"
            raise Misfit(msg)
        if kind is list or kind is tuple:
            return self._pack_items(value, depth - 1)
        if kind is dict:
            return self._pack_dict(value, depth - 1)
        if kind is float:
            return {TAG: "float", "value": repr(value)}
        return self._pack_other(value, depth)

    def _pack_items(self, values: Iterable[object], depth: int) -> list[Any]:
        packed = []
        for value in values:
            try:
                packed.append(self.pack(value, depth))
            except Misfit as misfit:
                misfit.move_out(f"[{len(packed)}]")
                raise
        return packed

    def _pack_dict(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        packed = {}
        for key, part in value.items():
            if type(key) is not str or key == TAG:
                return self._pack_pairs(value, depth - 2)
            try:
                packed[_check_text(key)] = self.pack(part, depth)
            except Misfit as misfit:
                misfit.move_out(f"[{key!r:.100}]")
                raise
        return packed

    def _pack_pairs(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        pairs = []
        for key, part in value.items():
            try:
                packed_key = self._pack_hashable(key, depth)
            except Misfit as misfit:
                misfit.fault = f"has a key that {misfit.fault}: {key!r:.100}"
                raise
            try:
                pairs.append([packed_key, self.pack(part, depth)])
            except Misfit as misfit:
                misfit.move_out(f"[{key!r:.100}]")
                raise
        return {TAG: "dict", "value": pairs}

    def _pack_hashable(self, value: Any, depth: int) -> Any:
        """Return what is unpacked to something hashable again: a tuple would come back as a list."""
        if isinstance(value, tuple):
            return {TAG: "tuple", "value": [self._pack_hashable(part, depth - 2) for part in value]}
        return self.pack(value, depth)

    def _pack_other(self, value: Any, depth: int) -> Any:
        names = [f"{base.__module__}.{base.__qualname__}" for base in type(value).__mro__]
        if "enum.Enum" in names:
            return self._pack_enum(value, depth - 1)
        for base, convert in _BASES.items():
            if isinstance(value, base):  # a namedtuple, a Counter: Python's `json` does the same
                return self.pack(convert(value), depth)
        if isinstance(value, (set, frozenset)):
            word = "frozenset" if isinstance(value, frozenset) else "set"
            return {TAG: word, "value": [self._pack_hashable(part, depth - 2) for part in value]}
        for name in names:
            if name in _WRITERS:
                return _WRITERS[name](value)
        if hasattr(type(value), "__dataclass_fields__"):
            return self._pack_dataclass(value, depth - 2)
        msg = f"is of type {type(value).__name__}"
        raise Misfit(msg)

    def _pack_enum(self, value: Any, depth: int) -> dict[str, Any]:
        name = self._name_class(type(value))
        try:
            return {TAG: "enum", "type": name, "value": self._pack_hashable(value.value, depth)}
        except Misfit as misfit:
            misfit.move_out(".value")
            raise

    def _pack_dataclass(self, value: Any, depth: int) -> dict[str, Any]:
        name = self._name_class(type(value))
        packed = {}
        for field in type(value).__dataclass_fields__.values():
            # Fields, pseudo-fields of the class, and pseudo-fields of its constructor alone.
            kind = field._field_type.name  # noqa: SLF001 - `dataclasses.fields` leaves out the last of the three
            if kind == "_FIELD_INITVAR":
                msg = f"is of {type(value).__name__}, whose constructor takes more than its fields ({field.name})"
                raise Misfit(msg)
            if kind == "_FIELD" and field.init:
                try:
                    packed[field.name] = self.pack(getattr(value, field.name), depth)
                except Misfit as misfit:
                    misfit.move_out(f".{field.name}")
                    raise
        return {TAG: "dataclass", "type": name, "value": packed}


def _check_text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            msg = "is text with half a surrogate pair"
            raise Misfit(msg) from None
    return text


def _check_integer(number: int) -> int:
    if number.bit_length() > _MAX_BITS:
        msg = f"is an integer of {number.bit_length():,} bits, of at most {_MAX_BITS:,}"
        raise Misfit(msg)
    return number


_BASES: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,  # not what a derived class makes of it
    int: int.__int__,
    float: float.__float__,
    list: list,
    tuple: tuple,
    dict: dict,
}


def _write_datetime(value: Any) -> dict[str, Any]:
    from datetime import datetime  # noqa: PLC0415 - it is there, as there is a value of it

    written = {TAG: "datetime", "value": datetime.isoformat(value)}  # a subclass may write what can't be read
    zone = getattr(value.tzinfo, "key", None)
    return written if zone is None else {**written, "zone": zone}


def _write_bytes(value: bytes) -> dict[str, Any]:
    from binascii import b2a_base64  # noqa: PLC0415 - few values are bytes

    return {TAG: "bytes", "value": b2a_base64(value, newline=False).decode()}


_WRITERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "datetime.datetime": _write_datetime,  # before date, which it is derived from
    "datetime.date": lambda value: {TAG: "date", "value": value.isoformat()},
    "datetime.time": lambda value: {TAG: "time", "value": value.isoformat()},
    "datetime.timedelta": lambda value: {TAG: "timedelta", "value": [value.days, value.seconds, value.microseconds]},
    "decimal.Decimal": lambda value: {TAG: "decimal", "value": str(value)},
    "uuid.UUID": lambda value: {TAG: "uuid", "value": str(value)},
    "builtins.bytes": _write_bytes,
}
