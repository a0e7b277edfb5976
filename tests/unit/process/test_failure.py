"""Failures of Python jobs in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.process.failure import cut, depth_of, describe, find_fault

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def depth(value: object) -> int:
    """Return the depth of a value, the slow way."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(JSON)
def test_depth_is_that_of_the_value(value: object) -> None:
    """Whatever brackets and quotes its strings hold."""
    assert depth_of(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == depth(value)


@given(JSON)
def test_value_without_fault_has_none(value: object) -> None:
    """What JSON can hold is not blamed."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        assert find_fault(value, "value", 0) is not None
    else:
        assert find_fault(value, "value", 0) is None


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"a": [0, object()]}, "value['a'][1] is of type object"),
        ((1, (2, {3})), "value[1][1] is of type set"),
        ({"a": float("inf")}, "value['a'] is inf"),
        ({b"a": 1}, "value has a key of type bytes: b'a'"),
        ({"\ud800": 1}, "a key of value is text with half a surrogate pair"),
    ],
)
def test_fault_is_named_by_its_place(value: object, fault: str) -> None:
    """As one would write it in Python."""
    assert find_fault(value, "value", 0) == fault


@given(st.text(min_size=0, max_size=3000), st.integers(200, 2000))
def test_cut_text_fits_and_keeps_both_ends(text: str, limit: int) -> None:
    """The end of a traceback says what happened, its beginning where."""
    kept = cut(text, limit)
    assert len(kept) <= limit
    if len(text) <= limit:
        assert kept == text.encode("utf-8", "replace").decode()
    else:
        assert kept[:20] == text[:20].encode("utf-8", "replace").decode()
        assert kept[-20:] == text[-20:].encode("utf-8", "replace").decode()


def test_exception_without_traceback_is_described() -> None:
    """Type, message and one line."""
    assert describe(KeyError("a")) == {"type": "KeyError", "message": "'a'", "traceback": "KeyError: 'a'\n"}
