"""Sizes as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.core.size import format_size

_UNITS = "BKMGTPE"


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (1023, "1023B"), (1600, "1.5K"), (524_288, "512K"), (2 << 30, "2G"), (7 << 60, "7E")]
)
def test_size_has_the_unit_that_fits(size: int, text: str) -> None:
    """Units are powers of 1024."""
    assert format_size(size) == text


@given(size=st.integers(0, (1 << 63) - 1))
def test_shown_size_is_close_and_never_above(size: int) -> None:
    """Rounding is down, by less than a tenth."""
    text = format_size(size)
    shown = float(text[:-1]) * 1024 ** _UNITS.index(text[-1])
    assert shown <= size < shown * 1.125 + 1
