"""The logs of a state folder: one each for the keeper, the server and the agent."""

from __future__ import annotations

import os
import time

from tqcli.local.files import PRIVATE_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

KEEPER_LOG = "keeper.log"
SERVER_LOG = "server.log"
AGENT_LOG = "agent.log"
LOG_MAX_BYTES = 10 << 20


def open_log(folder: str, name: str) -> int:
    """Return a descriptor to append to the log, which starts anew once it is larger than `LOG_MAX_BYTES`."""
    fd = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
    if os.fstat(fd).st_size > LOG_MAX_BYTES:
        os.ftruncate(fd, 0)
    return fd


def last_error(folder: Path, name: str) -> str | None:
    """Return the error with which a log ends; None where it ends otherwise."""
    try:
        lines = (folder / name).read_text(errors="replace").splitlines()
    except OSError:
        return None
    return lines[-1].removeprefix("error: ") if lines and lines[-1].startswith("error: ") else None


def log(text: str) -> None:
    """Write a line to stderr, which is the keeper's log."""
    try:
        os.write(2, f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}\n".encode())
    except OSError:
        # The disk is full; what is logged matters less than what is done.
        return
