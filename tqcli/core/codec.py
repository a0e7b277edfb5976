"""Bytes to values: the wire's JSON, read strictly.

A spec or record with an unknown field, a wrong type, another version, or too big or deep is corrupt: it becomes a clear
error and a `rejected` record, never a crash loop. What a well-formed spec may mean is `tqcli.core.check`.
"""

from __future__ import annotations

import re
from typing import Protocol, TypeVar

import msgspec

from tqcli.core.record import Record
from tqcli.core.spec import WIRE_VERSION, Spec
from tqcli.errors import CorruptRecord, InvalidInput

MAX_SPEC_BYTES = 512 * 1024
"""Half of the server's default `max_payload`, which counts headers too (H5)."""

MAX_RECORD_BYTES = 1_000 * 1024
"""A spec, a result and a history of attempts; leaves the server's default `max_payload` room for headers (H5)."""

MAX_DEPTH = 64
MAX_RECORD_DEPTH = MAX_DEPTH + 1
"""A record has the spec inside: whatever job can be read, its record can be."""


class _Versioned(Protocol):
    """What goes over the wire says its version."""

    @property
    def v(self) -> int: ...


_T = TypeVar("_T", bound=_Versioned)
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_TO_SQUARE = bytes.maketrans(b"{}", b"[]")


class _Version(msgspec.Struct):
    v: int


_encoder = msgspec.json.Encoder()
_spec_decoder = msgspec.json.Decoder(Spec)
_record_decoder = msgspec.json.Decoder(Record)
_version_decoder = msgspec.json.Decoder(_Version)


def encode(value: object) -> bytes:
    """Return `value` as JSON.

    Raises:
        InvalidInput: it holds text that is not valid UTF-8.
    """
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError as error:
        msg = f"text that is not valid UTF-8 can't be sent: {error.object[max(error.start - 20, 0) : error.end]!r}"
        raise InvalidInput(msg, hint="pass a file's name on stdin, or rename the file") from error


def encode_spec(spec: Spec) -> bytes:
    """Return the body of a job's message.

    Raises:
        InvalidInput: it is larger than 512 KiB, deeper than 64 levels, or holds text that is not valid UTF-8.
    """
    data = encode(spec)
    if len(data) > MAX_SPEC_BYTES:
        msg = f"the job is too big: {len(data):,} bytes of at most {MAX_SPEC_BYTES:,}"
        raise InvalidInput(msg, hint="put large input into a file that the agents can read")
    if _is_too_deep(data, MAX_DEPTH):
        msg = f"the job's arguments are nested deeper than {MAX_DEPTH} levels"
        raise InvalidInput(msg, hint="pass large structures in a file")
    return data


def decode_spec(data: bytes) -> Spec:
    """Return the spec in a job's message.

    Raises:
        CorruptRecord: it is no spec that this version of tq can read; the message says what is wrong and where.
    """
    return decode_strictly(data, _spec_decoder, noun="job's spec", max_bytes=MAX_SPEC_BYTES, max_depth=MAX_DEPTH)


def decode_record(data: bytes) -> Record:
    """Return the record in a message.

    Raises:
        CorruptRecord: it is no record that this version of tq can read; the message says what is wrong and where.
    """
    return decode_strictly(
        data, _record_decoder, noun="job's record", max_bytes=MAX_RECORD_BYTES, max_depth=MAX_RECORD_DEPTH
    )


def decode_strictly(data: bytes, decoder: msgspec.json.Decoder[_T], *, noun: str, max_bytes: int, max_depth: int) -> _T:
    """Return the value in a message; `noun` says what it is.

    Raises:
        CorruptRecord: it is none that this version of tq can read; the message says what is wrong and where.
    """
    if len(data) > max_bytes:
        msg = f"the {noun} is too big: {len(data):,} bytes of at most {max_bytes:,}"
        raise CorruptRecord(msg)
    try:
        # msgspec checks the encoding of text, but not inside fields that it leaves raw.
        data.isascii() or data.decode()
        value = decoder.decode(data)
    except RecursionError:
        raise _too_deep(noun, max_depth) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _check_version(data, noun)
        msg = f"the {noun} can't be read: {error}"
        raise CorruptRecord(msg) from error
    if value.v != WIRE_VERSION:
        _check_version(data, noun)
    if _is_too_deep(data, max_depth):
        raise _too_deep(noun, max_depth)
    return value


def _too_deep(noun: str, max_depth: int) -> CorruptRecord:
    return CorruptRecord(f"the {noun} is nested deeper than {max_depth} levels")


def _check_version(data: bytes, noun: str) -> None:
    """Blame the version where that is what is wrong: another version's fields are unknown ones here."""
    try:
        version = _version_decoder.decode(data).v
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return
    if version != WIRE_VERSION:
        msg = f"the {noun} has version {version}, this tq reads version {WIRE_VERSION}"
        raise CorruptRecord(msg, hint="use the same release of tq everywhere") from None


def _is_too_deep(data: bytes, max_depth: int) -> bool:
    """Return whether this well-formed JSON nests deeper than allowed.

    Few brackets can't: that settles nearly all. Else the brackets alone are kept, and each round removes the innermost.
    """
    if data.count(b"[") + data.count(b"{") <= max_depth:
        return False
    brackets = _STRINGS.sub(b"", data).translate(_TO_SQUARE, _NOT_BRACKETS)
    for _ in range(max_depth):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    return True
