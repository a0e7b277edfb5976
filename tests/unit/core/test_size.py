"""Sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.core.size import format_size, parse_size
from tqcli.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("512", 512), ("512B", 512), ("512K", 524_288), ("64M", 67_108_864), ("2G", 2_147_483_648),
     ("1.5k", 1536), ("1KiB", 1024), ("1kb", 1024), ("7E", 7 << 60)],
)  # fmt: skip
def test_size_is_read(text: str, size: int) -> None:
    """Units are powers of 1024; a number alone is bytes."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "K", "1.5", "1 K", "1X", "8E", "1KK", "٣K", "9" * 10_000, "1iB\n"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """No guess is made, and nothing passes what the server can count."""
    with pytest.raises(InvalidInput) as caught:
        parse_size(text)
    assert caught.value.hint
    assert len(caught.value.message) < 100


@given(size=st.integers(0, (1 << 63) - 1))
def test_shown_size_is_close_and_never_above(size: int) -> None:
    """Rounding is down, by less than a tenth."""
    shown = parse_size(format_size(size))
    assert shown <= size < shown * 1.125 + 1
