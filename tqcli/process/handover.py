"""Handing a command to a runner: its words in one packet, its files as descriptors beside it."""

from __future__ import annotations

import array
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from tqcli.core.outcome import Failure, NotStarted
from tqcli.process import wire
from tqcli.process.launch import CANNOT_RUN

if TYPE_CHECKING:
    from tqcli.process.command import Command

MAX_RESULT_BYTES = 16 * 1024 * 1024


class NotSendable(Exception):
    """No runner could start this command."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.how = NotStarted(CANNOT_RUN, failure)


def hand_over(sock: socket.socket, command: Command, ends: tuple[int, int]) -> int | None:
    """Send the command with the `ends` of its output pipes, which are then closed; return its open result file, if any.

    Raises:
        NotSendable: its words or its stdin can't be given to a program.
        OSError: the runner is gone, or the agent has no descriptor left.
    """
    fds = list(ends)
    result = None
    try:
        words = encode(command)
        flags = wire.MAY_MAKE_CWD if command.may_make_cwd else 0
        if command.stdin is not None:
            fds.append(open_stdin(command.stdin))
            flags |= wire.HAS_STDIN
        if command.wants_result:
            fds.append(os.memfd_create("tq-result"))
            flags |= wire.HAS_RESULT
        if command.args is not None:
            fds.append(make_file("tq-args", command.args))
            flags |= wire.HAS_ARGS
        send_run(sock, words, len(command.argv), flags, fds)
        if command.wants_result:
            result = fds.pop(3 if command.stdin is not None else 2)
        return result
    finally:
        for fd in fds:
            os.close(fd)


def send_run(sock: socket.socket, words: bytes, argc: int, flags: int, fds: list[int]) -> None:
    """Send a RUN with the descriptors that the flags name; a memory file for long words is added to them.

    Raises:
        OSError: the runner is gone, or the agent has no descriptor left.
    """
    if len(words) > wire.WORDS_BYTES:
        fds.append(make_file("tq-words", words))
        flags |= wire.HAS_OVERFLOW
    send_with_fds(sock, wire.encode_run(words, argc, flags), fds)


def send_with_fds(sock: socket.socket, packet: bytes, fds: list[int]) -> None:
    """Send a packet with descriptors beside it.

    Raises:
        OSError: nobody is at the other end, or it does not read.
    """
    sock.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def encode(command: Command) -> bytes:
    """Return the command's words, with the variables that name its files.

    Raises:
        NotSendable: no program can be given them.
    """
    env = command.env
    if command.wants_result:
        env = {**env, wire.RESULT_VARIABLE: str(wire.RESULT_FD)}
    if command.args is not None:
        env = {**env, wire.ARGS_VARIABLE: str(wire.ARGS_FD)}
    try:
        return wire.encode_words(command.cwd, command.argv, env)
    except ValueError as error:
        raise NotSendable(Failure("BadCommand", str(error))) from None


def open_stdin(stdin: bytes | Path) -> int:
    """Return a descriptor to read a command's input from.

    Raises:
        NotSendable: its file can't be opened.
    """
    if not isinstance(stdin, Path):
        return make_file("tq-stdin", stdin)
    try:
        return os.open(stdin, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NotSendable(Failure("NoStdin", f"stdin {str(stdin)!r}: {error.strerror}")) from None


def make_file(name: str, content: bytes) -> int:
    """Return a file in memory that holds `content`, at its beginning: unlike a pipe it needs nobody to pump it."""
    fd = os.memfd_create(name)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
    except OSError:
        os.close(fd)
        raise
    return fd


def read_result(fd: int) -> bytes:
    """Return what a command wrote to its result file, up to one byte over `MAX_RESULT_BYTES`."""
    size = min(os.fstat(fd).st_size, MAX_RESULT_BYTES + 1)
    parts, offset = [], 0
    while offset < size and (part := os.pread(fd, size - offset, offset)):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)
