"""The keeper: a background process with the nats-server and the agent of one state folder.

`local.start` runs its `main` with the arguments FOLDER SERVER SYNC WISHES AGENT…: FOLDER is absolute, SERVER the path
of nats-server, SYNC a value of its `sync_interval`, WISHES what it would read from its fifo, AGENT the agent's command.
It answers on stdout with `ready`, `taken` (another keeper has the folder) or an error, and closes it.
"""

from __future__ import annotations

import os
import sys
import time

from tqcli.errors import TqError
from tqcli.local.files import FIFO, KEEPER_LOCK, PRIVATE_FILE, USERS_LOCK, open_lock, try_lock
from tqcli.local.launch import detach
from tqcli.local.logs import log
from tqcli.local.notice import Notice
from tqcli.local.server import Server
from tqcli.local.services import Services

_LOCK_PATIENCE_S = 0.2
"""A server whose keeper was killed needs a moment to go; then it is for the command to try again."""
_LOCK_POLL_S = 0.005


def main() -> None:
    """Become the keeper of the folder; return when nobody needs it."""
    detach()
    folder, program, sync, wishes, *agent = sys.argv[1:]
    try:
        os.chdir(folder)
        lock = open_lock(".", KEEPER_LOCK)
        if not _claim(lock):
            log("another keeper has the folder")
            _answer("taken")
            return
        notice = Notice()
        fifo = _open_fifo()
        users = open_lock(".", USERS_LOCK)
        server = Server(program, sync=sync, store_lock=lock)
        server.launch()
        server.await_ready()
    except TqError as error:
        _answer(f"{type(error).__name__}\n{error.message}\n{error.hint or ''}")
        return
    except OSError as error:
        _answer(f"OSError\n{error.errno}\n{error.strerror}")
        return
    services = Services(server, notice, agent=tuple(agent))
    services.hear(wishes)
    services.mend()
    services.publish()
    _answer("ready")
    # Its imports take as long as all that was done so far, and nobody waits for them here.
    from tqcli.local.supervise import Supervisor  # noqa: PLC0415

    Supervisor(services, lock=lock, users=users, fifo=fifo).run()


def _claim(lock: int) -> bool:
    deadline = time.monotonic() + _LOCK_PATIENCE_S
    while not try_lock(lock, exclusive=True):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOCK_POLL_S)
    return True


def _open_fifo() -> int:
    if os.access(FIFO, os.F_OK):
        os.remove(FIFO)  # noqa: PTH107 - no pathlib in the keeper's start
    os.mkfifo(FIFO, PRIVATE_FILE)
    # For writing as well, so that it has no end when the last writer closes.
    return os.open(FIFO, os.O_RDWR | os.O_NONBLOCK)


def _answer(text: str) -> None:
    """Tell the command that started us, if it is still there, and let go of its pipe."""
    try:
        os.write(1, text.encode())
    except BrokenPipeError:
        return
    finally:
        os.dup2(2, 1)
