"""What an agent and a runner say to each other: packets on a SOCK_SEQPACKET socket, file descriptors beside them.

An agent says RUN (with the attempt's descriptors: stdout, stderr, then stdin, result, args and overflow as flagged) and
STOP; a runner says HELLO once, then ENDED or NOT_STARTED for each RUN. Text is UTF-8 joined by NUL, the one byte that
neither an argument nor a variable can hold. This module is loaded by the runner too, so it imports next to nothing.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False  # `typing` costs a runner's start 5 ms
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

RUN, STOP = b"r", b"s"
HELLO, ENDED, NOT_STARTED = b"h", b"e", b"n"

HAS_STDIN, HAS_RESULT, HAS_ARGS, HAS_OVERFLOW, MAY_MAKE_CWD = 1, 2, 4, 8, 16
RESULT_FD, ARGS_FD = 3, 4
"""The numbers under which a child finds its result and its arguments."""
RESULT_VARIABLE, ARGS_VARIABLE = "TQ_RESULT_FD", "TQ_ARGS_FD"

WORDS_BYTES = 64 * 1024
"""More than this goes into a memory file beside the packet: the kernel refuses one over its send buffer (208 KiB)."""
MAX_FDS = 6

_RUN = struct.Struct("=cBI")
_STOP = struct.Struct("=cd")
_HELLO = struct.Struct("=cI")
_ENDED = struct.Struct("=c?iQdd")
_NOT_STARTED = struct.Struct("=ci")


def encode_words(cwd: str, argv: Sequence[str], env: Mapping[str, str]) -> bytes:
    """Return the words of a RUN.

    Raises:
        ValueError: a word that no program can be given.
    """
    if not argv:
        _refuse("the command is empty")
    words = [cwd, *argv, *[f"{key}={value}" for key, value in env.items()]]
    text = "\0".join(words)
    if text.count("\0") >= len(words):
        _refuse("an argument, a variable or the directory holds a NUL byte")
    if "" in env or "=" in "".join(env):
        _refuse("the name of a variable is empty or holds '='")
    return text.encode("utf-8", "surrogateescape")


def _refuse(why: str) -> NoReturn:
    raise ValueError(why)


def encode_run(words: bytes, argc: int, flags: int) -> bytes:
    """Return a RUN; with HAS_OVERFLOW its words are in the last descriptor."""
    return _RUN.pack(RUN, flags, argc) + (b"" if flags & HAS_OVERFLOW else words)


def decode_run(packet: bytes) -> tuple[int, int, bytes]:
    """Return the flags, the count of arguments and the words of a RUN."""
    _, flags, argc = _RUN.unpack_from(packet)
    return flags, argc, packet[_RUN.size :]


def decode_words(words: bytes, argc: int) -> tuple[bytes, list[bytes], dict[bytes, bytes]]:
    """Return the directory, the arguments and the environment."""
    parts = words.split(b"\0")
    env = dict(part.split(b"=", 1) for part in parts[1 + argc :])
    return parts[0], parts[1 : 1 + argc], env


def encode_stop(grace_s: float) -> bytes:
    """Return a STOP that kills what is left after `grace_s` seconds."""
    return _STOP.pack(STOP, grace_s)


def decode_stop(packet: bytes) -> float:
    """Return the grace in seconds."""
    return float(_STOP.unpack(packet)[1])


def encode_hello(pid: int) -> bytes:
    """Return the first packet of a runner."""
    return _HELLO.pack(HELLO, pid)


def decode_hello(packet: bytes) -> int:
    """Return the runner's process id."""
    return int(_HELLO.unpack(packet)[1])


def encode_ended(status: int, usage: tuple[int, float, float], *, last: bool) -> bytes:
    """Return how the main process ended: its wait status, and (peak bytes, user seconds, system seconds).

    `last` says that the runner will take no other attempt.
    """
    return _ENDED.pack(ENDED, last, status, *usage)


def decode_ended(packet: bytes) -> tuple[bool, int, int, float, float]:
    """Return whether it was the runner's last, wait status, peak bytes, user seconds, system seconds."""
    _, last, status, max_rss, user_s, system_s = _ENDED.unpack(packet)
    return last, status, max_rss, user_s, system_s


def encode_not_started(code: int, kind: str, message: str) -> bytes:
    """Return why the command could not be started; a message of any length fits."""
    return _NOT_STARTED.pack(NOT_STARTED, code) + f"{kind}\0{message[:4000]}".encode("utf-8", "replace")


def decode_not_started(packet: bytes) -> tuple[int, str, str]:
    """Return the exit code that a shell would give, the kind of failure and the message."""
    kind, _, message = packet[_NOT_STARTED.size :].decode("utf-8", "replace").partition("\0")
    return int(_NOT_STARTED.unpack_from(packet)[1]), kind, message
