"""The keeper: a background process with the nats-server and the agent of one state folder.

Run as `python -m tqcli.local.keeper FOLDER SYNC WISHES AGENT…` by `local.start`: FOLDER is absolute, SYNC a value of
nats-server's `sync_interval`, WISHES what it would read from its fifo, AGENT the agent's command. It answers on stdout
with `ready`, `taken` (another keeper has the folder) or an error, and closes it.
"""

from __future__ import annotations

import os
import sys
import time

from tqcli.errors import TqError
from tqcli.local.files import KEEPER_LOCK, open_lock, try_lock
from tqcli.local.find import find_server
from tqcli.local.launch import detach
from tqcli.local.publish import Notice
from tqcli.local.server import Server

READY = "ready"
TAKEN = "taken"
_LOCK_PATIENCE_S = 0.2
"""A server whose keeper was killed needs a moment to go; then it is for the command to try again."""
_LOCK_POLL_S = 0.005


def main() -> None:
    """Become the keeper of the folder; return when nobody needs it."""
    folder, sync, wishes, *agent = sys.argv[1:]
    detach()
    try:
        os.chdir(folder)
        lock = open_lock(".", KEEPER_LOCK)
        if not _claim(lock):
            os.write(2, b"another keeper has the folder\n")
            _answer(TAKEN)
            return
        notice = Notice()
        server = Server(find_server(), sync=sync, store_lock=lock)
        server.launch()
        # Imported while the server starts.
        from tqcli.local.supervise import Supervisor  # noqa: PLC0415

        supervisor = Supervisor(server, notice, agent=tuple(agent))
        server.await_ready()
        supervisor.begin(wishes)
    except TqError as error:
        _answer(f"{type(error).__name__}\n{error.message}\n{error.hint or ''}")
        return
    except OSError as error:
        _answer(f"OSError\n{error.errno}\n{error.strerror}")
        return
    _answer(READY)
    supervisor.run()


def _claim(lock: int) -> bool:
    deadline = time.monotonic() + _LOCK_PATIENCE_S
    while not try_lock(lock, exclusive=True):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOCK_POLL_S)
    return True


def _answer(text: str) -> None:
    """Tell the command that started us, if it is still there, and let go of its pipe."""
    try:
        os.write(1, text.encode())
    except BrokenPipeError:
        return
    finally:
        os.dup2(2, 1)


if __name__ == "__main__":
    main()
