"""Names and labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.examples import names
from tqcli.core.names import check_label, check_name, quote
from tqcli.errors import InvalidInput


@given(name=names)
def test_good_name_is_returned(name: str) -> None:
    """A name within the rule comes back as it is."""
    assert check_name(name, noun="queue") == name


@pytest.mark.parametrize(
    "name",
    ["", "a.b", "*", ">", "a b", "Queue", "-a", "_a", "a\n", "\0", "\x1b[31m", "é", "²", "a" * 65, "x" * 10_000],
)
def test_bad_name_is_refused_by_a_short_plain_message(name: str) -> None:
    """Nothing that could match across queues passes, and the message can be printed on any terminal."""
    with pytest.raises(InvalidInput, match="can't name a queue") as caught:
        check_name(name, noun="queue")
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 80


@given(text=st.text())
def test_quoted_text_is_printable_and_short(text: str) -> None:
    """Whatever a user typed, a message can show it."""
    shown = quote(text)
    assert shown.isprintable()
    assert len(shown) <= 40 * 10 + 2


def test_noun_gets_its_article() -> None:
    """Messages read as sentences."""
    with pytest.raises(InvalidInput, match="can't name an agent"):
        check_name("", noun="agent")


@pytest.mark.parametrize("label", ["nightly report", "a", "Größe 漢字 ✓", "x" * 128])
def test_label_may_hold_anything_that_prints(label: str) -> None:
    """A job's name is for people."""
    assert check_label(label, noun="job's name") == label


@pytest.mark.parametrize("label", ["", "x" * 129, "a\tb", "a\nb", "\x1b]0;x\x07", "\udc80", "\u202e"])
def test_label_that_does_not_print_is_refused(label: str) -> None:
    """No control character, direction override or broken byte reaches a terminal."""
    with pytest.raises(InvalidInput, match="can't be a job's name") as caught:
        check_label(label, noun="job's name")
    assert caught.value.message.isprintable()
