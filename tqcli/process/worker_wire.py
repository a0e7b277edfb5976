"""What an agent and a worker say to each other: calls down a SOCK_SEQPACKET socket, ends up a stream.

A call is one packet, with descriptors beside it as flagged: the job's stdin, and its arguments where they are large.
What waits in the socket has not begun: whoever reads a packet, worker or agent, has that job, and nobody else. An end
is a frame: its kind, the number of the call, exit code, whether the job's output has not all been read, and the JSON
that `entry` would have written as the result. This module is loaded by the worker too, so it imports next to nothing.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False  # `typing` costs a worker's start 5 ms
if TYPE_CHECKING:
    from collections.abc import Mapping

DOWN_FD, UP_FD = 3, 4
"""The numbers under which a worker is started with its socket and its stream."""

DONE, RETIRED, LAST, RETURNED = b"d", b"r", b"l", b"b"
"""The job has ended, and the worker waits for the next; the worker ends after it; the job ends when the worker does;
the job has not begun, and the worker ends."""

HAS_STDIN, HAS_OVERFLOW = 1, 2
ARGS_BYTES = 8 * 1024
"""Larger arguments go into a memory file beside the packet."""
PACKET_BYTES = 128 * 1024
"""More than any call: entrypoint and variables have limits of their own, and the kernel refuses more than 208 KiB."""
MAX_FDS = 2

_CALL = struct.Struct("=IBI")
END = struct.Struct("=cIB?I")


def encode_call(number: int, entrypoint: str, variables: Mapping[str, str], args: bytes, flags: int) -> bytes:
    """Return a call; with HAS_OVERFLOW its arguments are in the last descriptor, and `args` is empty.

    Raises:
        ValueError: the entrypoint or a variable holds a NUL byte.
    """
    words = [entrypoint, *[f"{key}={value}" for key, value in variables.items()]]
    text = "\0".join(words)
    if text.count("\0") >= len(words):
        msg = "the entrypoint or a variable holds a NUL byte"
        raise ValueError(msg)
    encoded = text.encode("utf-8", "surrogateescape")
    if len(encoded) + ARGS_BYTES > PACKET_BYTES:
        msg = "the entrypoint or a variable is too long"
        raise ValueError(msg)
    return _CALL.pack(number, flags, len(encoded)) + encoded + args


def decode_call(packet: bytes) -> tuple[int, int, str, dict[str, str], bytes]:
    """Return number, flags, entrypoint, variables and arguments."""
    number, flags, length = _CALL.unpack_from(packet)
    end = _CALL.size + length
    entrypoint, *variables = packet[_CALL.size : end].decode("utf-8", "surrogateescape").split("\0")
    return number, flags, entrypoint, dict([variable.split("=", 1) for variable in variables]), packet[end:]


def encode_end(kind: bytes, number: int, code: int, body: bytes, *, unread: bool) -> bytes:
    """Return a frame."""
    return END.pack(kind, number, code, unread, len(body)) + body
