"""Output that waits for the broker: the first of it in memory, what is beyond that in a file.

The file has no name and belongs to this process alone (`tempfile.TemporaryFile`: 0600), so nothing of it outlives the
agent, whatever ends it. It is where `TMPDIR` says.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from typing import IO, NamedTuple

MEMORY_BYTES = 1024 * 1024
DISK_BYTES = 128 * 1024 * 1024
"""Twice the cap of a log: a frame of a few bytes takes as much again for its head."""


class Block(NamedTuple):
    """Encoded frames for one message: when the first was read, and how many of the bytes the job printed."""

    at_us: int
    printed_bytes: int
    frames: bytes


class Spool:
    """A queue of blocks, first in, first out."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._in_memory: deque[Block] = deque()
        self._memory_bytes = 0
        self._on_disk: deque[tuple[int, int, int]] = deque()
        self._file: IO[bytes] | None = None
        self._first = self._end = 0

    def put(self, block: Block) -> bool:
        """Take a block in; return False where there is no room for it."""
        if self._on_disk or self._memory_bytes + len(block.frames) > MEMORY_BYTES:
            return self._write(block)
        self._in_memory.append(block)
        self._memory_bytes += len(block.frames)
        return True

    def get(self) -> Block | None:
        """Return the oldest block, which is then the caller's; None: there is none."""
        if self._in_memory:
            block = self._in_memory.popleft()
            self._memory_bytes -= len(block.frames)
            return block
        return self._read() if self._on_disk else None

    def _write(self, block: Block) -> bool:
        length = len(block.frames)
        if self._end + length > DISK_BYTES:
            return False
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="tq-", buffering=0)  # noqa: SIM115  (`_read` closes it)
            if os.pwrite(self._file.fileno(), block.frames, self._end) < length:
                return False
        except OSError:
            return False
        self._end += length
        self._on_disk.append((block.at_us, block.printed_bytes, length))
        return True

    def _read(self) -> Block:
        assert self._file is not None  # noqa: S101
        at_us, printed_bytes, length = self._on_disk.popleft()
        frames = os.pread(self._file.fileno(), length, self._first)
        self._first += length
        if not self._on_disk:
            self._file.close()
            self._file = None
            self._first = self._end = 0
        return Block(at_us, printed_bytes, frames)
