"""Many jobs out of one command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.examples import texts, words
from tqcli.core.bulk import parse_array, substitute_line
from tqcli.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "indexes"),
    [("1-3", [1, 2, 3]), ("0-0", [0]), ("1-100:50", [1, 51]), ("1-3:100", [1]), ("999999999-999999999", [999_999_999])],
)
def test_array_has_both_ends(text: str, indexes: list[int]) -> None:
    """Counting is what people expect, not Python's."""
    assert list(parse_array(text)) == indexes


@given(first=st.integers(0, 999_999_999), step=st.integers(1, 1000), size=st.integers(1, 1_000_000))
def test_array_has_its_size(first: int, step: int, size: int) -> None:
    """Up to a million elements are allowed."""
    last = first + (size - 1) * step
    if last <= 999_999_999:
        assert len(parse_array(f"{first}-{last}:{step}")) == size


@pytest.mark.parametrize(
    "text", ["", "5", "1-", "-5", "3-1", "1-5:0", "1-5:", "1..5", "a-b", "1 - 5", "1-1000001", "1-9999999999", "١-٢"]
)
def test_what_is_no_array_is_refused(text: str) -> None:
    """Each refusal says what to write."""
    with pytest.raises(InvalidInput) as caught:
        parse_array(text)
    assert caught.value.hint


def test_array_may_have_a_million_elements() -> None:
    """The limit is reached, not only approached."""
    assert len(parse_array("1-1000000")) == 1_000_000


def test_line_replaces_each_placeholder() -> None:
    """As a whole or inside an argument, every one of them."""
    assert substitute_line(("cp", "{}", "to/{}.{}"), "a b") == ("cp", "a b", "to/a b.a b")


def test_line_without_a_placeholder_comes_last() -> None:
    """As xargs does it."""
    assert substitute_line(("sha256sum", "--"), "-x") == ("sha256sum", "--", "-x")


@given(argv=st.lists(words, min_size=1, max_size=4), line=texts)
def test_line_is_never_taken_apart(argv: list[str], line: str) -> None:
    """Spaces, quotes and braces in a line make neither more arguments nor a second substitution."""
    made = substitute_line((*argv, "{}"), line)
    assert len(made) == len(argv) + 1
    assert made[-1] == line
