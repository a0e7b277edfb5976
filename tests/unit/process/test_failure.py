"""Failures of Python jobs in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tqcli.process.failure import cut, describe, name_kinds


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


class Odd(LookupError):
    """An exception of one's own."""


def test_kinds_of_an_exception_are_those_it_can_be_caught_as() -> None:
    """Python's own by their name, others with their module."""
    assert name_kinds(Odd()) == [f"{__name__}.Odd", "LookupError", "Exception", "BaseException"]
