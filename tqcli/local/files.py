"""The files of a state folder that commands and keeper share, and their locks.

Python opens files so that children don't inherit them (PEP 446): a lock ends with the process that took it.
"""

from __future__ import annotations

import fcntl
import os

KEEPER_LOCK = "keeper.lock"
USERS_LOCK = "users.lock"
START_LOCK = "start.lock"
SERVER_FILE = "server.json"
FIFO = "keeper.fifo"

PRIVATE_FILE = 0o600


def open_lock(folder: str, name: str) -> int:
    """Return a descriptor of the lock file, which is created if missing."""
    return os.open(f"{folder}/{name}", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)


def try_lock(fd: int, *, exclusive: bool) -> bool:
    """Return whether the lock is ours now; where it is not, an earlier hold of it is lost as well."""
    try:
        fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(fd: int) -> None:
    """Give the lock up, and keep the descriptor."""
    fcntl.flock(fd, fcntl.LOCK_UN)


def is_same_file(path: str, fd: int) -> bool:
    """Return whether `path` still names the open file."""
    try:
        there, ours = os.stat(path), os.fstat(fd)  # noqa: PTH116 - the keeper's start has no time for pathlib
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
