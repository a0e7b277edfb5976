"""Log messages: frames in, frames out."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.printing import encode_frames
from tqcli.errors import CorruptRecord
from tqcli.jetstream.logs import Frame, decode_message

FRAMES = st.lists(st.builds(Frame, st.integers(0, 2), st.integers(0, 2**63), st.binary(max_size=300)), max_size=20)


@given(FRAMES, st.integers(0, 2**32 - 1))
def test_frames_survive_the_wire(frames: list[Frame], number: int) -> None:
    """Whatever was printed comes back byte for byte, in order."""
    message = decode_message("tq.log.g.0.3", encode_frames(number, frames))
    assert (message.attempt, message.number, message.frames) == (3, number, frames)


@given(st.binary(max_size=60))
def test_odd_bytes_are_a_clear_error(body: bytes) -> None:
    """Bytes that are no log message never crash a reader."""
    with suppress(CorruptRecord):
        decode_message("tq.log.g.0.1", body)


def test_a_cut_frame_is_corrupt() -> None:
    """A frame that is shorter than it says is refused."""
    body = encode_frames(0, [Frame(1, 1, b"hello")])
    with pytest.raises(CorruptRecord):
        decode_message("tq.log.g.0.1", body[:-1])
