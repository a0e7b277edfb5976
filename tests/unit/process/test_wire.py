"""What is encoded is decoded to the same, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.process import wire

BYTES_AS_TEXT = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)
"""What Python makes of arguments that are not UTF-8."""
WORD = st.text(st.characters(exclude_characters="\0", codec="utf-8") | BYTES_AS_TEXT)
NAME = st.text(st.characters(exclude_characters="\0=", codec="utf-8") | BYTES_AS_TEXT, min_size=1)


def encoded(text: str) -> bytes:
    """Return a word as a program sees it."""
    return text.encode("utf-8", "surrogateescape")


@given(WORD, st.lists(WORD, min_size=1), st.dictionaries(NAME, WORD))
def test_words_survive(cwd: str, argv: list[str], env: dict[str, str]) -> None:
    """Directory, arguments and environment, empty ones and those with '=' and newlines included."""
    words = wire.encode_words(cwd, argv, env)
    assert wire.decode_words(words, len(argv)) == (
        encoded(cwd),
        [encoded(word) for word in argv],
        {encoded(name): encoded(value) for name, value in env.items()},
    )


@given(st.binary(), st.integers(1, 2**32 - 1), st.integers(0, 7))
def test_run_survives(words: bytes, argc: int, flags: int) -> None:
    """The words travel in it, except where they have a file of their own."""
    assert wire.decode_run(wire.encode_run(words, argc, flags)) == (flags, argc, words)
    overflowing = flags | wire.HAS_OVERFLOW
    assert wire.decode_run(wire.encode_run(words, argc, overflowing)) == (overflowing, argc, b"")


@pytest.mark.parametrize(
    ("cwd", "argv", "env"),
    [
        ("/\0", ["a"], {}),
        ("/", ["a\0b"], {}),
        ("/", ["a"], {"A": "\0"}),
        ("/", ["a"], {"A\0": ""}),
        ("/", ["a"], {"A=B": ""}),
        ("/", ["a"], {"": "x"}),
        ("/", [], {}),
    ],
)
def test_words_that_would_be_misread_are_refused(cwd: str, argv: list[str], env: dict[str, str]) -> None:
    """A NUL in one would make two of it."""
    with pytest.raises(ValueError, match=r"NUL|name of a variable|empty"):
        wire.encode_words(cwd, argv, env)


@given(st.integers(0, 65535), st.integers(0, 2**63), st.floats(0, 1e9), st.floats(0, 1e9), st.booleans())
def test_ended_survives(status: int, max_rss: int, user_s: float, system_s: float, last: bool) -> None:  # noqa: FBT001
    """Whatever wait4(2) says."""
    packet = wire.encode_ended(status, (max_rss, user_s, system_s), last=last)
    assert wire.decode_ended(packet) == (last, status, max_rss, user_s, system_s)


def test_not_started_survives_and_is_cut() -> None:
    """A path of any length fits into a packet."""
    assert wire.decode_not_started(wire.encode_not_started(127, "NotFound", "é")) == (127, "NotFound", "é")
    packet = wire.encode_not_started(126, "NotExecutable", "é" * 100_000)
    assert len(packet) < 16_384
    assert wire.decode_not_started(packet)[0] == 126


@given(st.floats(0, 1e9))
def test_stop_survives(grace_s: float) -> None:
    """To the last bit."""
    assert wire.decode_stop(wire.encode_stop(grace_s)) == grace_s


def test_kinds_of_packets_are_told_apart_by_their_first_byte() -> None:
    """In both directions."""
    assert len({wire.RUN, wire.STOP, wire.HELLO, wire.ENDED, wire.NOT_STARTED}) == 5
    assert wire.decode_hello(wire.encode_hello(4_194_304)) == 4_194_304
