"""NATS's client protocol: bytes in, events out; operations in, bytes out. No socket, no clock.

The parser is strict about framing, where a doubt means that everything after it is wrong (`WireError`), and lenient
about what is inside a message: odd headers of one sender must not take the connection from everybody (H25).

Source: https://docs.nats.io/reference/reference-protocols/nats-protocol
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from tqcli.errors import InvalidInput
from tqcli.jetstream.link import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

PING = b"PING\r\n"
PONG = b"PONG\r\n"

_MAX_LINE_BYTES = 64 * 1024  # an INFO with many servers is a few KiB
_MAX_MESSAGE_BYTES = 65 * 1024 * 1024  # a server's max_payload is 64 MiB at most
_CRLF = b"\r\n"
_VERSION_LINE = "NATS/1.0"
_STATUS = re.compile(r"NATS/1\.0\s+(\d{3})\s*(.*)", re.ASCII)
_UNSAFE = re.compile(r"[\x00-\x20\x7f]").search
_NO_HEADERS: dict[str, str] = {}
_M, _H = b"MH"


class WireError(ValueError):
    """The bytes are not NATS's protocol."""


class Info(msgspec.Struct, frozen=True):
    """What a server says first, and again when it changes. Fields that tq has no use for are left out."""

    version: str
    server_id: str = ""
    server_name: str = ""
    max_payload: int = 1024 * 1024
    jetstream: bool = False
    cluster: str | None = None
    tls_required: bool = False
    tls_available: bool = False
    nonce: str | None = None


class Err(msgspec.Struct, frozen=True):
    """The server's complaint, without its quotes."""

    text: str


class Signal(Enum):
    """The events that carry nothing."""

    OK = b"+OK"
    PING = b"PING"
    PONG = b"PONG"


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A message for the subscription `sid`."""

    sid: int
    message: Message


Event: TypeAlias = Delivery | Info | Err | Signal

_decode_info = msgspec.json.Decoder(Info).decode
_signals = {signal.value: signal for signal in Signal}


class Parser:
    """Turns a stream of bytes into events, wherever the stream was cut."""

    def __init__(self) -> None:
        """Start at the first byte of a connection."""
        self._held = bytearray()  # the start of an event whose end has not come
        self._wanted = 0  # as long as `held` is shorter than this, looking again is useless

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes.

        Raises:
            WireError: the bytes are not NATS's protocol. Nothing can be read from this stream any more.
        """
        if self._held:
            self._held += data
            if len(self._held) < self._wanted:
                return []
            data = bytes(self._held)
            self._held.clear()
        self._wanted = 0
        events: list[Event] = []
        pos, size = 0, len(data)
        try:
            while pos < size:
                end = data.find(_CRLF, pos)
                if end < 0:
                    break
                if data[pos] in (_M, _H):
                    stop = self._deliver(data, pos, end, events)
                    if not stop:
                        break
                    pos = stop
                else:
                    events.append(_parse_line(data[pos:end]))
                    pos = end + 2
        except (ValueError, IndexError) as error:
            msg = f"not NATS's protocol: {data[pos : pos + 40]!r}"
            raise WireError(msg) from error
        if pos < size:
            self._hold(data[pos:])
        return events

    def _hold(self, rest: bytes) -> None:
        if not self._wanted and len(rest) > _MAX_LINE_BYTES:
            msg = f"a line without end: {rest[:40]!r}"
            raise WireError(msg)
        self._held += rest

    def _deliver(self, data: bytes, pos: int, end: int, events: list[Event]) -> int:
        """Append the message whose line is data[pos:end]; return where it stops, or 0 if its end has not come."""
        words = data[pos:end].split()
        kind = words[0]
        total = int(words.pop())
        head = 0
        if kind == b"HMSG":
            head = int(words.pop())
        elif kind != b"MSG":
            raise WireError(kind)
        if len(words) == 4:  # noqa: PLR2004 - with a subject for replies
            _, subject, sid, reply = words
            answer_to = reply.decode("utf-8", "replace")
        else:
            _, subject, sid = words
            answer_to = None
        if not 0 <= head <= total <= _MAX_MESSAGE_BYTES:
            raise WireError(words)
        start = end + 2
        stop = start + total
        if len(data) < stop + 2:
            self._wanted = stop + 2 - pos
            return 0
        if data[stop : stop + 2] != _CRLF:
            raise WireError(words)
        name = subject.decode("utf-8", "replace")
        if head:
            status, description, headers = parse_headers(data[start : start + head])
            message = Message(name, answer_to, headers, data[start + head : stop], status, description)
        else:
            message = Message(name, answer_to, _NO_HEADERS, data[start:stop])
        events.append(Delivery(int(sid), message))
        return stop + 2


def _parse_line(line: bytes) -> Event:
    signal = _signals.get(line.rstrip())
    if signal is not None:
        return signal
    kind, _, rest = line.partition(b" ")
    if kind == b"INFO":
        return _decode_info(rest)  # msgspec's errors are ValueErrors too
    if kind == b"-ERR":
        return Err(rest.decode("utf-8", "replace").strip().strip("'"))
    raise WireError(kind)


def parse_headers(raw: bytes) -> tuple[int | None, str, dict[str, str]]:
    r"""Return status, description and headers of a header block; of a name that comes twice, the last.

    >>> parse_headers(b"NATS/1.0 404 No Messages\r\n\r\n")
    (404, 'No Messages', {})
    >>> parse_headers(b"NATS/1.0\r\nA: 1\r\nA: 2\r\n\r\n")
    (None, '', {'A': '2'})
    """
    first, *lines = raw.decode("utf-8", "replace").split("\r\n")
    status, description = None, ""
    if first != _VERSION_LINE:
        match = _STATUS.match(first)
        if match is not None:
            status, description = int(match[1]), match[2].strip()
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name] = value.strip()
    return status, description, headers


def encode_connect(options: Mapping[str, object]) -> bytes:
    """Return CONNECT with these options."""
    return b"CONNECT " + msgspec.json.encode(options) + _CRLF


def encode_subscribe(subject: str, sid: int) -> bytes:
    """Return SUB.

    Raises:
        InvalidInput: the subject can't be sent.
    """
    _check_subject(subject)
    return f"SUB {subject} {sid}\r\n".encode()


def encode_unsubscribe(sid: int) -> bytes:
    """Return UNSUB."""
    return b"UNSUB %d\r\n" % sid


def encode_publish(
    subject: str, body: bytes, *, reply: str | None, headers: Mapping[str, str] | None, max_payload: int
) -> bytes:
    """Return PUB, or HPUB where there are headers.

    Raises:
        InvalidInput: the subject or a header can't be sent, or headers and body together are larger than the server
            takes. Sent all the same, each would cost the whole connection (H5).
    """
    _check_subject(subject)
    where = subject
    if reply is not None:
        _check_subject(reply)
        where = f"{subject} {reply}"
    if not headers:
        if len(body) > max_payload:
            raise _too_large(subject, len(body), max_payload)
        return b"".join((f"PUB {where} {len(body)}\r\n".encode(), body, _CRLF))
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        msg = f"a header for {subject} contains a line break"
        raise InvalidInput(msg)
    head = f"NATS/1.0\r\n{lines}\r\n".encode()
    total = len(head) + len(body)
    if total > max_payload:
        raise _too_large(subject, total, max_payload)
    return b"".join((f"HPUB {where} {len(head)} {total}\r\n".encode(), head, body, _CRLF))


def _check_subject(subject: str) -> None:
    if not subject or _UNSAFE(subject):
        msg = f"{subject[:60]!r} is not a subject"
        raise InvalidInput(msg, hint="a subject has no spaces or control characters")


def _too_large(subject: str, total: int, max_payload: int) -> InvalidInput:
    msg = f"a message of {total} bytes for {subject} is larger than the server takes ({max_payload} bytes)"
    return InvalidInput(msg, hint="make it smaller, or raise max_payload in the server's configuration")
