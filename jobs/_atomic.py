"""Files that are there whole or not at all.

What is being written is a hidden neighbour, `.NAME.partial`, which takes its real name with one rename at the end. Its
name is always the same and it is locked while somebody writes it. So a run that was killed leaves at most one such
file, which the next run uses again, and two runs at the same time never mix their bytes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom
    from pathlib import Path


@contextmanager
def replace_file(target: Path, *, partial: Path | None = None) -> Iterator[BufferedRandom]:
    """Yield a file, open for writing and reading, that becomes `target` if the block ends without an exception.

    `partial` is its name until then. After an exception `target` is as it was, and `partial` is gone.

    Raises:
        BlockingIOError: another run is writing it.
        OSError: the directory is not there or can't be written, or the disk is full.
    """
    target = target.resolve()  # a symbolic link stays one: what it points to is replaced
    partial = partial or target.with_name(f".{target.name}.partial")
    with _open_locked(partial) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())  # before the rename: else a power cut may leave the new name on an empty file
            if target.exists():
                shutil.copymode(target, partial)
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    _sync_directory(target.parent)


def write_file(target: Path, content: bytes) -> None:
    """Write `content` to `target`, which readers see as it was or as it will be, never in between."""
    with replace_file(target) as file:
        file.write(content)


def _open_locked(path: Path) -> BufferedRandom:
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise BlockingIOError(errno.EWOULDBLOCK, "another run is writing this file", str(path)) from None
        if _is_still(path, file):
            file.truncate()
            return file
        file.close()  # between our open and our lock its writer finished, and renamed it: try again


def _is_still(path: Path, file: BufferedRandom) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
