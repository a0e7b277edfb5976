"""Log messages put in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tqcli.client.sequencer import REACH, Sequencer
from tqcli.jetstream.logs import LogMessage

if TYPE_CHECKING:
    from collections.abc import Iterable


def send(sequencer: Sequencer, numbers: Iterable[int]) -> list[int | None]:
    """Return the numbers that come out while these go in; None for a hole."""
    out = [message for number in numbers for message in sequencer.take(LogMessage(1, number, []))]
    return [None if message is None else message.number for message in out]


def flush(sequencer: Sequencer) -> list[int | None]:
    """Return the numbers that come out at the end."""
    return [None if message is None else message.number for message in sequencer.flush()]


@given(data=st.data())
def test_shuffled_and_repeated_messages_come_out_in_order_and_once(data: st.DataObject) -> None:
    """However a window of messages was mixed, readers see what was printed."""
    count = data.draw(st.integers(min_value=1, max_value=REACH))
    order = data.draw(st.permutations(range(count)))
    again = data.draw(st.lists(st.sampled_from(order)))
    sequencer = Sequencer()
    assert send(sequencer, [*order, *again]) == list(range(count))
    assert not sequencer.is_waiting
    assert flush(sequencer) == []


def test_message_waits_for_the_one_before_it() -> None:
    """Nothing is shown out of order just because it came first."""
    sequencer = Sequencer()
    assert send(sequencer, [0, 2]) == [0]
    assert sequencer.is_waiting
    assert send(sequencer, [1]) == [1, 2]


def test_hole_is_marked_once_nothing_can_fill_it() -> None:
    """What the stream dropped is said to be missing; the rest is shown."""
    sequencer = Sequencer()
    assert send(sequencer, [3, 5]) == []
    assert flush(sequencer) == [None, 3, None, 5]


def test_hole_that_stays_open_does_not_hold_back_for_ever() -> None:
    """Memory is bounded: far ahead of a hole, what is here is shown."""
    sequencer = Sequencer()
    out = send(sequencer, range(1, REACH + 2))
    assert out == [None, *range(1, REACH + 2)]
    assert send(sequencer, [0]) == []
