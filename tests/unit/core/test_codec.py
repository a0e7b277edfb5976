"""Bytes to values and back, strictly."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.examples import NOW, PLAIN, json_values, specs, vary
from tqcli.core.check import check_spec
from tqcli.core.codec import (
    MAX_DEPTH,
    MAX_RECORD_BYTES,
    MAX_SPEC_BYTES,
    decode_record,
    decode_spec,
    encode,
    encode_spec,
)
from tqcli.core.record import queued, start
from tqcli.core.spec import Python, Shell, Spec, Stdin
from tqcli.errors import CorruptRecord, InvalidInput

PLAIN_BYTES = encode(PLAIN)
RECORD_BYTES = encode(start(queued(PLAIN_BYTES), agent="left", claim="c", now=NOW))


def nest(depth: int) -> bytes:
    """Return the arguments that make a spec nest this deep, with brackets in text that don't count."""
    inner = depth - 2
    return b"[" * inner + b'"[[[[{{{\\"[[["' + b"]" * inner


def change(data: bytes, **fields: object) -> bytes:
    """Return the JSON object with these fields set."""
    return msgspec.json.encode({**msgspec.json.decode(data), **fields})


@given(spec=specs)
def test_spec_round_trips(spec: Spec) -> None:
    """What was submitted is what the agent reads, and what is valid stays valid."""
    again = decode_spec(encode_spec(spec))
    assert again == spec
    check_spec(again)


@given(spec=specs)
def test_same_spec_is_the_same_bytes(spec: Spec) -> None:
    """A signature over the bytes survives reading and writing them."""
    assert encode(decode_spec(encode(spec))) == encode(spec)


def test_defaults_are_left_out() -> None:
    """A plain job is a small message."""
    assert len(PLAIN_BYTES) < 130
    assert set(msgspec.json.decode(PLAIN_BYTES)) == {"v", "group", "work", "submitted_at"}


@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_spec_or_corrupt(data: bytes) -> None:
    """No message can raise anything else."""
    for decode in (decode_spec, decode_record):
        with pytest.raises(CorruptRecord):
            decode(data)


@given(value=json_values, field=st.sampled_from(Spec.__struct_fields__))
def test_any_value_in_any_field_is_a_spec_or_corrupt(value: object, field: str) -> None:
    """A forged field never gets past as something else, and semantic checks never crash on what types allow."""
    with suppress(CorruptRecord, InvalidInput):
        check_spec(decode_spec(change(PLAIN_BYTES, **{field: value})))


@given(cut=st.integers(0, len(RECORD_BYTES) - 1))
def test_cut_record_is_corrupt(cut: int) -> None:
    """Half a record is none."""
    with pytest.raises(CorruptRecord):
        decode_record(RECORD_BYTES[:cut])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"colour": "red"}, "unknown field `colour`"),
        ({"retries": "3"}, "$.retries"),
        ({"retries": 1.5}, "$.retries"),
        ({"retries": True}, "$.retries"),
        ({"work": {"kind": "perl", "argv": ["x"]}}, "$.work"),
        ({"work": {"argv": ["x"]}}, "kind"),
        ({"work": {"kind": "shell", "argv": "x"}}, "$.work.argv"),
        ({"work": {"kind": "shell", "argv": ["x"], "tty": True}}, "tty"),
        ({"submitted_at": "2026-03-01T12:00:00"}, "$.submitted_at"),
        ({"expires_at": "tomorrow"}, "$.expires_at"),
        ({"timeout": 10}, "$.timeout"),
        ({"env": {"A": 1}}, "$.env"),
        ({"stdin": {"size": 1, "data": "!"}}, "$.stdin.data"),
    ],
)
def test_message_says_what_is_wrong_and_where(changes: dict[str, object], says: str) -> None:
    """Whoever finds a rejected job can see why."""
    with pytest.raises(CorruptRecord) as caught:
        decode_spec(change(PLAIN_BYTES, **changes))
    assert says in caught.value.message


@pytest.mark.parametrize("extra", [{}, {"colour": "red"}])
def test_other_version_is_named_before_its_fields(extra: dict[str, object]) -> None:
    """A newer submitter is told apart from garbage."""
    with pytest.raises(CorruptRecord, match="has version 2, this tq reads version 1") as caught:
        decode_spec(change(PLAIN_BYTES, v=2, **extra))
    assert caught.value.hint
    with pytest.raises(CorruptRecord, match="version 0"):
        decode_record(change(RECORD_BYTES, v=0, **extra))


def test_too_big_is_corrupt_and_not_sent() -> None:
    """The limit holds at both ends, to the byte."""
    room = MAX_SPEC_BYTES - len(encode(vary(work=Shell(("",)))))
    fits = vary(work=Shell(("x" * room,)))
    assert decode_spec(encode_spec(fits)) == fits
    above = vary(work=Shell(("x" * (room + 1),)))
    with pytest.raises(InvalidInput, match="too big"):
        encode_spec(above)
    with pytest.raises(CorruptRecord, match="too big"):
        decode_spec(encode(above))


def test_record_of_the_largest_spec_is_read() -> None:
    """A spec at its limit still has room for what happened to it."""
    room = MAX_SPEC_BYTES - len(encode(vary(work=Shell(("",)))))
    record = queued(encode_spec(vary(work=Shell(("x" * room,)))))
    assert decode_record(encode(record)) == record
    with pytest.raises(CorruptRecord, match="too big"):
        decode_record(b" " * (MAX_RECORD_BYTES + 1))


@pytest.mark.parametrize("depth", [3, MAX_DEPTH])
def test_allowed_depth_is_read(depth: int) -> None:
    """Brackets side by side or in text are no depth; and a job that can be read has a record that can be."""
    wide = b"[" + nest(depth - 1) + b"," + b"[{}]," * 100 + b'"]]"]'
    for args in (nest(depth), wide):
        spec = vary(work=Python("a:b", args=msgspec.Raw(args)))
        assert decode_spec(encode_spec(spec)) == spec
        record = queued(encode_spec(spec))
        assert decode_record(encode(record)) == record


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000])
def test_too_deep_is_corrupt_and_not_sent(depth: int) -> None:
    """No nesting reaches the interpreter's stack."""
    spec = vary(work=Python("a:b", args=msgspec.Raw(nest(depth))))
    with pytest.raises(InvalidInput, match="deeper than 64"):
        encode_spec(spec)
    with pytest.raises(CorruptRecord, match="deeper than 64"):
        decode_spec(encode(spec))
    with pytest.raises(CorruptRecord, match="deeper than 65"):
        decode_record(encode(queued(encode(spec))))


def test_broken_text_is_neither_sent_nor_read() -> None:
    """Text is UTF-8, also inside fields that are only passed on."""
    with pytest.raises(InvalidInput, match="UTF-8"):
        encode(vary(work=Shell(("ok", "\udc80"))))
    data = encode(vary(work=Python("a:b", args=msgspec.Raw(b'["\xff"]'))))
    with pytest.raises(CorruptRecord, match="can't be read"):
        decode_spec(data)


def test_stdin_bytes_survive() -> None:
    """Any byte may be given on stdin."""
    every = bytes(range(256))
    spec = decode_spec(encode(vary(stdin=Stdin(256, data=every))))
    assert spec.stdin is not None
    assert spec.stdin.data == every
