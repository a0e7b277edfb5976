"""Values on their way: what is packed comes back equal, and what does not fit is named by its place."""

from __future__ import annotations

import enum
import json
import sys
from collections import Counter
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from importlib import import_module
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tqcli.core.pack import name_importable, pack
from tqcli.core.unpack import _READERS, unpack
from tqcli.core.values import MAX_DEPTH, TAG, Misfit, may_have_tags


class Colour(enum.Enum):
    """An enum."""

    RED = "red"
    MIXED = (255, 128)


class Level(enum.IntEnum):
    """One that is an integer, too."""

    LOW = 1


class Word(enum.StrEnum):
    """One that is text, too."""

    YES = "yes"


class Right(enum.Flag):
    """One whose members can be joined."""

    READ = enum.auto()
    WRITE = enum.auto()


class Point(NamedTuple):
    """A tuple with names."""

    x: int
    y: int


@dataclass(frozen=True)
class Order:
    """A dataclass, hashable."""

    number: int
    colour: Colour = Colour.RED
    lines: Any = ()


@dataclass
class Basket:
    """One with a field that its constructor does not take, and one with a default of its own."""

    orders: list[Order]
    total: int = field(init=False)
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Count."""
        self.total = len(self.orders)


@dataclass
class Needy:
    """One that forgets what it was made of."""

    secret: InitVar[str]


class Inner:
    """A place for a class."""

    @dataclass
    class Deep:
        """A class in it."""

        x: int


@dataclass
class Strict:
    """One that refuses."""

    x: int

    def __post_init__(self) -> None:
        """Refuse what is not positive."""
        if self.x <= 0:
            msg = "not positive"
            raise ValueError(msg)


def load_class(name: str) -> type:
    """Return a class as the other side would find it."""
    module, _, path = name.partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def carry(value: object) -> Any:
    """Return a value as it arrives."""
    text = json.dumps(pack(value), ensure_ascii=False, allow_nan=False).encode()
    arrived = json.loads(text)
    return unpack(arrived, load_class) if may_have_tags(text) else arrived


texts = st.text(st.characters(exclude_categories=["Cs"])) | st.just(TAG)
moments = st.datetimes(
    timezones=st.none()
    | st.just(UTC)
    | st.sampled_from([ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), timezone(timedelta(hours=-3.5))])
)
hashables = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | texts
    | moments
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.binary(max_size=20)
    | st.sampled_from([*Colour, *Level, *Word, Right.READ | Right.WRITE]),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.frozensets(inner, max_size=3)
        | st.builds(Order, st.integers(), st.sampled_from(Colour), st.decimals(allow_nan=False))
    ),
    max_leaves=4,
)
values = st.recursive(
    hashables.filter(lambda value: not isinstance(value, tuple)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts, inner, max_size=3)
        | st.dictionaries(hashables, inner, max_size=3)
        | st.sets(hashables, max_size=3)
        | st.builds(Basket, st.lists(st.builds(Order, st.integers(), lines=inner), max_size=2))
        | st.builds(Inner.Deep, inner)
    ),
    max_leaves=8,
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts.filter(lambda key: key != TAG), inner),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([TAG, "value", "type", "zone", "a"]), inner, max_size=4)
        | st.fixed_dictionaries(
            {
                TAG: st.sampled_from(sorted(_READERS)),
                "value": inner | texts | st.lists(st.lists(inner, max_size=3), max_size=3),
            },
            optional={"type": st.sampled_from(["os:system", f"{__name__}:Order", "no.such:X", ":", "x"]) | inner},
        )
    ),
    max_leaves=10,
)


def same(one: object, other: object) -> bool:
    """Return whether two values are equal and of the same types, all the way down, whatever the order of sets."""
    if type(one) is not type(other):
        return False
    match one, other:
        case list() | tuple(), list() | tuple():
            return len(one) == len(other) and all(map(same, one, other))
        case dict(), dict():
            return len(one) == len(other) and all(same(*pair) for pair in zip(one.items(), other.items(), strict=True))
        case datetime(), datetime():
            return one == other and one.utcoffset() == other.utcoffset() and str(one.tzinfo) == str(other.tzinfo)
        case _:
            return one == other


@given(values)
@example(datetime(1893, 4, 1, tzinfo=ZoneInfo("Europe/Berlin")))  # it does not exist
@example(datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")))  # it comes twice
def test_every_value_comes_back_equal_and_of_its_type(value: object) -> None:
    """Through JSON and back, however nested."""
    assert same(carry(value), value)


@given(plain)
def test_plain_json_stays_as_it_is(value: object) -> None:
    """So what other programs send and read is what it always was."""
    assert pack(value) == value


@given(anything)
def test_hostile_json_is_a_value_or_a_misfit(value: Any) -> None:
    """Nothing else ever comes of it."""
    try:
        unpack(value, load_class)
    except Misfit as misfit:
        assert misfit.describe("value").startswith("value")  # noqa: PT017 - most do not raise


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        (Point(1, 2), [1, 2]),
        (Counter("aab"), {"a": 2, "b": 1}),
        ({1: "a"}, {1: "a"}),
        ({(1, (2,)): "a"}, {(1, (2,)): "a"}),
        ({TAG: "datetime", "value": "now"}, {TAG: "datetime", "value": "now"}),
        (float("inf"), float("inf")),
        (timedelta.min, timedelta.min),
        (date.min, date.min),
        (time.max, time.max),
        (Decimal("1.10"), Decimal("1.10")),
        (UUID(int=5), UUID(int=5)),
        (10**4000, 10**4000),
    ],
)
def test_value_arrives(value: object, arrives: object) -> None:
    """A tuple as a list, a class derived from JSON's types as that type; others as they were."""
    assert carry(value) == arrives


def test_nan_arrives() -> None:
    """It equals nothing, itself included."""
    assert str(carry([float("nan")])) == "[nan]"


def test_time_keeps_its_zone() -> None:
    """What is added to it later is added there."""
    berlin = ZoneInfo("Europe/Berlin")
    arrived = carry(datetime(2026, 3, 28, 12, tzinfo=berlin))
    assert arrived + timedelta(days=1) == datetime(2026, 3, 29, 12, tzinfo=berlin)
    again = datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)
    assert carry(again).utcoffset() == again.utcoffset() == timedelta(hours=1)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "value is of type object"),
        ({"a": [0, object()]}, "value['a'][1] is of type object"),
        ([Basket([Order(1, lines={"x": sys})])], "value[0].orders[0].lines['x'] is of type module"),
        ({1: {2: object()}}, "value[1][2] is of type object"),
        ({"a": {object: 1}}, "value['a'] has a key that is of type type: <class 'object'>"),
        (["fine", "\ud800"], "value[1] is text with half a surrogate pair"),
        ({"\ud800": 1}, "value['\\ud800'] is text with half a surrogate pair"),
        (Needy("x"), "value is of Needy, whose constructor takes more than its fields (secret)"),
        ([10**5000], "value[0] is an integer of 16,610 bits, of at most 14,000"),
        ({"x" * 300: object()}, "value['" + "x" * 99 + "] is of type object"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place(value: object, words: str) -> None:
    """As one would write it in Python."""
    with pytest.raises(Misfit) as caught:
        pack(value)
    assert caught.value.describe("value") == words


def test_class_that_nobody_can_import_does_not_fit() -> None:
    """One that a function defined."""

    @dataclass
    class Local:
        x: int

    with pytest.raises(Misfit, match="which no other process can import"):
        pack(Local(1))
    assert name_importable(Inner.Deep) == f"{__name__}:Inner.Deep"


def test_value_within_itself_does_not_fit() -> None:
    """Nor one nested too deep; up to that it fits."""
    circle: list[Any] = []
    circle.append(circle)
    tree = Inner.Deep(1)
    tree.x = tree  # type: ignore[assignment]
    for value in (circle, tree):
        with pytest.raises(Misfit, match="nested deeper than 58 levels, or within itself"):
            pack(value)
    deep: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert carry(deep) == deep
    with pytest.raises(Misfit):
        pack([deep])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({TAG: "lambda", "value": 1}, "value has the key '$tq', which marks tq's own objects, and is none"),
        ([{TAG: "date"}], "value[0] can't be read as date: TypeError"),
        ({TAG: "date", "value": "today"}, "value can't be read as date: ValueError: Invalid isoformat string: 'today'"),
        ({TAG: "date", "value": "2026-03-01", "more": 1}, "value has the key '$tq'"),
        ({TAG: "enum", "type": "os:system", "value": "x"}, "value can't be read as enum os:system: TypeError"),
        ({TAG: "enum", "type": "pathlib:Path", "value": "x"}, "value names pathlib:Path, which is no enum"),
        ({TAG: "dataclass", "type": "os:system", "value": {}}, "value names os:system, which is no dataclass"),
        ({TAG: "dataclass", "type": "no_such:X", "value": {}}, "value can't be read as dataclass no_such:X: ModuleNot"),
        (
            {TAG: "dataclass", "type": f"{__name__}:Strict", "value": {"x": 0}},
            f"value can't be read as dataclass {__name__}:Strict: ValueError: not positive",
        ),
        (
            {TAG: "dataclass", "type": f"{__name__}:Strict", "value": {"x": {TAG: "uuid", "value": "?"}}},
            "value.x can't be read as uuid: ValueError",
        ),
    ],
)
def test_what_can_not_be_read_is_named_by_its_place(value: Any, words: str) -> None:
    """A class that is not there, is none of those, or refuses what it is given."""
    with pytest.raises(Misfit) as caught:
        unpack(value, load_class)
    assert caught.value.describe("value").startswith(words)
