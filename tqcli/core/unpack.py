"""From JSON's own types to the value that was packed into them. The format is that of `values`."""

from __future__ import annotations

from tqcli.core.values import TAG, Misfit

TYPE_CHECKING = False  # as in `pack`
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn


def unpack(value: Any, load_class: Callable[[str], type]) -> Any:
    """Return what was packed into these types of JSON's; `load_class` finds the class of a `module:qualname`.

    Raises:
        Misfit: a tagged object is none of ours, or its class is not there or refuses what it holds.
    """
    if type(value) is list:
        return _unpack_items(value, load_class)
    if type(value) is dict:
        if TAG in value:
            return _unpack_tagged(value, load_class)
        unpacked = {}
        for key, part in value.items():
            try:
                unpacked[key] = unpack(part, load_class)
            except Misfit as misfit:
                misfit.move_out(f"[{key!r:.100}]")
                raise
        return unpacked
    return value


def _unpack_items(values: list[Any], load_class: Callable[[str], type]) -> list[Any]:
    unpacked: list[Any] = []
    for value in values:
        try:
            unpacked.append(unpack(value, load_class))
        except Misfit as misfit:
            misfit.move_out(f"[{len(unpacked)}]")
            raise
    return unpacked


def _unpack_tagged(tagged: dict[str, Any], load_class: Callable[[str], type]) -> Any:
    word, held = tagged[TAG], tagged.get("value")
    keys = tagged.keys() - {TAG, "value"}
    if not isinstance(word, str) or word not in _READERS or not keys <= {_MORE.get(word)}:
        msg = f"has the key {TAG!r}, which marks tq's own objects, and is none: {str(tagged)[:100]}"
        raise Misfit(msg)
    try:
        return _READERS[word](held, tagged, load_class)
    except Misfit:
        raise
    except Exception as error:
        # Whatever a module's import or a class of the user's own raises.
        what = f"{word} {tagged['type']!s:.100}" if "type" in tagged else word
        msg = f"can't be read as {what}: {type(error).__name__}: {error}"
        raise Misfit(msg) from error


def _read_datetime(held: Any, tagged: dict[str, Any], _: object) -> object:
    from datetime import datetime  # noqa: PLC0415 - as explained above

    moment = datetime.fromisoformat(held)
    if "zone" not in tagged:
        return moment
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    zone = ZoneInfo(tagged["zone"])
    for fold in (0, 1):  # a local time may come twice, or not exist
        local = moment.replace(tzinfo=zone, fold=fold)
        if local.utcoffset() == moment.utcoffset():
            return local
    return moment.astimezone(zone)  # here the zone has other rules


def _read_date(held: Any, *_: object) -> object:
    from datetime import date  # noqa: PLC0415

    return date.fromisoformat(held)


def _read_time(held: Any, *_: object) -> object:
    from datetime import time  # noqa: PLC0415

    return time.fromisoformat(held)


def _read_timedelta(held: Any, *_: object) -> object:
    from datetime import timedelta  # noqa: PLC0415

    days, seconds, microseconds = held
    return timedelta(days, seconds, microseconds)


def _read_decimal(held: Any, *_: object) -> object:
    from decimal import Decimal  # noqa: PLC0415

    return Decimal(_text(held))


def _read_uuid(held: Any, *_: object) -> object:
    from uuid import UUID  # noqa: PLC0415

    return UUID(held)


def _read_bytes(held: Any, *_: object) -> object:
    from binascii import a2b_base64  # noqa: PLC0415

    return a2b_base64(held, strict_mode=True) if held else b""


def _read_float(held: Any, *_: object) -> object:
    return {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}[held]


def _read_dict(held: Any, _: object, load_class: Callable[[str], type]) -> object:
    return {unpack(key, load_class): unpack(part, load_class) for key, part in held}


def _read_enum(held: Any, tagged: dict[str, Any], load_class: Callable[[str], type]) -> object:
    from enum import Enum  # noqa: PLC0415

    kind = load_class(_text(tagged["type"]))
    if not issubclass(kind, Enum):
        _refuse(f"names {tagged['type']}, which is no enum")
    return kind(unpack(held, load_class))


def _read_dataclass(held: Any, tagged: dict[str, Any], load_class: Callable[[str], type]) -> object:
    kind = load_class(_text(tagged["type"]))
    if not hasattr(kind, "__dataclass_fields__"):
        _refuse(f"names {tagged['type']}, which is no dataclass")
    values = {}
    for name, part in held.items():
        try:
            values[name] = unpack(part, load_class)
        except Misfit as misfit:
            misfit.move_out(f".{name}")
            raise
    return kind(**values)


def _text(held: Any) -> str:
    if not isinstance(held, str):
        _refuse(f"has {str(held)[:100]} in the place of text")
    text: str = held
    return text


def _refuse(fault: str) -> NoReturn:
    raise Misfit(fault)


_READERS: dict[str, Callable[[Any, dict[str, Any], Callable[[str], type]], object]] = {
    "datetime": _read_datetime,
    "date": _read_date,
    "time": _read_time,
    "timedelta": _read_timedelta,
    "decimal": _read_decimal,
    "uuid": _read_uuid,
    "bytes": _read_bytes,
    "float": _read_float,
    "tuple": lambda held, _, load_class: tuple(_unpack_items(held, load_class)),
    "set": lambda held, _, load_class: set(_unpack_items(held, load_class)),
    "frozenset": lambda held, _, load_class: frozenset(_unpack_items(held, load_class)),
    "dict": _read_dict,
    "enum": _read_enum,
    "dataclass": _read_dataclass,
}
_MORE = {"datetime": "zone", "enum": "type", "dataclass": "type"}
