"""What jobs printed: frames of raw bytes in messages, one subject for each attempt.

A message is numbered, because a publish whose answer got lost is repeated, and readers drop what they have seen. It
holds frames: stream (1 stdout, 2 stderr, 0 a cut), time, length, bytes. A cut's bytes are the number of bytes left out.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tqcli.errors import CorruptRecord
from tqcli.jetstream.api import check_ack
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tqcli.jetstream.broker import Broker

CUT = 0
STDOUT = 1
STDERR = 2

_VERSION = 1
_HEAD = struct.Struct(">BI")
_FRAME = struct.Struct(">BQI")
MESSAGE_HEAD_BYTES = _HEAD.size
FRAME_HEAD_BYTES = _FRAME.size


class Frame(NamedTuple):
    """Bytes that arrived together on one of a job's streams, at `at_us` microseconds since 1970."""

    stream: int
    at_us: int
    data: bytes

    @property
    def at(self) -> datetime:
        """The time at which the agent read them."""
        return datetime.fromtimestamp(self.at_us / 1e6, UTC)


class LogMessage(NamedTuple):
    """One message of an attempt's log."""

    attempt: int
    number: int
    frames: list[Frame]


def encode_frame(stream: int, at_us: int, data: bytes | memoryview) -> bytes:
    """Return a frame as it is within a message: `FRAME_HEAD_BYTES`, then the data."""
    return b"".join((_FRAME.pack(stream, at_us, len(data)), data))


def encode_message(number: int, frames: bytes) -> bytes:
    """Return message `number` of an attempt's log, counted from 0: `MESSAGE_HEAD_BYTES`, then encoded frames."""
    return _HEAD.pack(_VERSION, number) + frames


def decode_message(subject: str, body: bytes) -> LogMessage:
    """Return the log message in `body`.

    Raises:
        CorruptRecord: the bytes are none.
    """
    try:
        version, number = _HEAD.unpack_from(body)
        frames = list(_split(body)) if version == _VERSION else None
    except struct.error:
        frames = None
    if frames is None:
        msg = f"a message on {subject} is no log of this version of tq"
        raise CorruptRecord(msg)
    return LogMessage(int(subject.rpartition(".")[2]), number, frames)


def _split(body: bytes) -> Iterator[Frame]:
    offset = _HEAD.size
    while offset < len(body):
        stream, at_us, length = _FRAME.unpack_from(body, offset)
        offset += _FRAME.size
        if offset + length > len(body):
            raise struct.error
        yield Frame(stream, at_us, body[offset : offset + length])
        offset += length


async def publish_frames(broker: Broker, subject: str, number: int, frames: bytes, *, timeout_s: float = 5.0) -> None:
    """Store message `number` of an attempt's log.

    Raises:
        Unknown, Unavailable: it is not stored, or nobody knows; to be tried again.
        QueueFull, InvalidInput, Forbidden, NotFound: the log is full, or takes no such message; or it was deleted.
    """
    try:
        reply = await broker.link.post(subject, encode_message(number, frames), timeout_s=timeout_s)
    except NoResponders:
        # Without a leader just now, or deleted for good? JetStream itself knows, and says NotFound.
        await stream_state(broker.link, broker.names.logs)
        raise
    check_ack(reply, subject)
