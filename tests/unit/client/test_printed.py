"""Frames on their way to a reader."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tests.support.printing import encode_frames
from tqcli.client.printed import Printed, Reader, keep_tail
from tqcli.jetstream.logs import CUT, STDERR, STDOUT, Frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

chunks = st.lists(st.text("ab\n", max_size=6).map(str.encode), max_size=12)


def take_tail(frames: list[Printed], lines: int) -> list[Printed]:
    """Return the last lines of these frames."""

    async def source() -> AsyncIterator[Printed]:
        for frame in frames:
            yield frame

    return asyncio.run(keep_tail(source(), lines))


@given(data=chunks, lines=st.integers(min_value=0, max_value=5))
def test_tail_is_the_last_lines_wherever_they_were_cut(data: list[bytes], lines: int) -> None:
    """As `tail -n` of everything together."""
    frames = [Printed(0, 1, Frame(STDOUT + number % 2, number, chunk)) for number, chunk in enumerate(data)]
    tail = b"".join(printed.frame.data for printed in take_tail(frames, lines))
    expected = b"".join(data).splitlines(keepends=True)
    assert tail == b"".join(expected[-lines:] if lines else [])


def test_tail_is_of_each_job() -> None:
    """A talkative job does not push out the others, and they come in the order of their indexes."""
    frames = [
        Printed(2, 1, Frame(STDOUT, 0, b"b1\nb2\n")),
        Printed(1, 1, Frame(STDOUT, 1, b"a1\n")),
        Printed(2, 1, Frame(STDERR, 2, b"b3\n")),
        Printed(1, 1, Frame(STDOUT, 3, b"a2")),
    ]
    assert [(one.element, one.frame.data) for one in take_tail(frames, 1)] == [(1, b"a2"), (2, b"b3\n")]


def test_tail_says_that_something_within_it_was_cut() -> None:
    """A mark between two kept lines is kept, one before them is not."""
    frames = [
        Printed(0, 1, Frame(CUT, 0, b"7")),
        Printed(0, 1, Frame(STDOUT, 1, b"1\n2\n")),
        Printed(0, 1, Frame(CUT, 2, b"9")),
        Printed(0, 1, Frame(STDOUT, 3, b"3\n")),
    ]
    assert [one.frame.data for one in take_tail(frames, 2)] == [b"2\n", b"9", b"3\n"]


def test_reader_tells_jobs_and_attempts_apart() -> None:
    """Each has numbers of its own, and its bytes are counted."""
    reader = Reader()
    body = encode_frames(0, [Frame(STDOUT, 5, b"x"), Frame(CUT, 6, b"12"), Frame(STDERR, 7, b"yz")])
    first = list(reader.take("tq.log.g.3.1", body))
    second = list(reader.take("tq.log.g.3.2", body))
    assert [(one.element, one.attempt) for one in first + second] == [(3, 1)] * 3 + [(3, 2)] * 3
    assert reader.given == {(3, 1): 3, (3, 2): 3}


def test_reader_marks_what_is_not_stored_any_more() -> None:
    """The first message it finds is the third: two are gone."""
    reader = Reader()
    assert list(reader.take("tq.log.g.0.1", encode_frames(2, [Frame(STDOUT, 5, b"x")]))) == []
    assert [one.frame for one in reader.flush()] == [Frame(CUT, 0, b""), Frame(STDOUT, 5, b"x")]
