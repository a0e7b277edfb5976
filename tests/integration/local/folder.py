"""A state folder as the tests see it: who runs in it, and who holds it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.eventually import eventually
from tqcli.jetstream.plain import connect_plain, drive
from tqcli.local.hold import LocalHold, hold_local

if TYPE_CHECKING:
    import signal
    from collections.abc import Sequence

    from tqcli.core.endpoint import Endpoint

ROOT = Path(__file__).parents[3]
STAND_IN = ("/bin/sleep", "1000")
"""In place of tq's agent: it does nothing, and TERM ends it."""
_LISTEN = "0A"


def running_in(state: Path) -> list[int]:
    """Return the processes whose working directory is the folder: keeper, server and agent. Zombies have none."""
    folder = str(state.resolve())
    folders = {folder, f"{folder} (deleted)"}
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _target(Path(f"/proc/{pid}/cwd")) in folders]


def names_in(state: Path) -> list[str]:
    """Return what runs in the folder, sorted: `keeper`, and programs by their file's name."""
    return sorted(_name(command_line(pid)) for pid in running_in(state))


def command_line(pid: int) -> list[str]:
    """Return the process's arguments; none where it is gone."""
    return _text(Path(f"/proc/{pid}/cmdline")).split("\0")


def is_alive(pid: int | None) -> bool:
    """Return whether the process runs; a zombie does not."""
    # After the name, which may hold anything, comes the state.
    return _text(Path(f"/proc/{pid}/stat")).rpartition(") ")[2][:1] not in {"", "Z"}


def listening(pid: int) -> list[str]:
    """Return where the process listens, as the kernel writes it: `0100007F:1F90` is 127.0.0.1:8080."""
    targets = [_target(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {target.removeprefix("socket:[").rstrip("]") for target in targets}
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == _LISTEN and row[9] in inodes]


def open_files(pid: int, state: Path) -> list[str]:
    """Return the files in the folder (not those in folders below) that the process has open."""
    targets = [Path(_target(entry)) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    return [target.name for target in targets if target.parent == state.resolve()]


def await_empty(state: Path, timeout_s: float) -> None:
    """Return when nothing runs in the folder any more."""
    eventually(lambda: not running_in(state), timeout_s=timeout_s)


def await_names(state: Path, *names: str) -> None:
    """Return when exactly these run: a child is a copy of the keeper for a moment."""
    eventually(lambda: names_in(state) == sorted(names), timeout_s=5)


def _name(words: list[str]) -> str:
    return "keeper" if any("tqcli.local.keeper" in word for word in words) else Path(words[0]).name


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        # It is gone, or is another user's.
        return ""


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def is_answering(endpoint: Endpoint) -> bool:
    """Return whether a whole connection to the broker succeeds; raise what its refusal says."""
    link = connect_plain(endpoint)
    drive(link.close())
    return True


def is_listening(endpoint: Endpoint) -> bool:
    """Return whether anybody listens on the endpoint's port."""
    try:
        socket.create_connection(("127.0.0.1", port_of(endpoint)), timeout=1).close()
    except OSError:
        return False
    return True


def port_of(endpoint: Endpoint) -> int:
    """Return its port."""
    return int(endpoint.servers[0].rpartition(":")[2])


def take(state: Path, *, agent: bool = True, command: Sequence[str] = STAND_IN) -> LocalHold:
    """Return a hold, with a stand-in for the agent."""
    return hold_local(agent=agent, state=state, command=command)


class Holder:
    """A running `holder` program."""

    def __init__(self, state: Path) -> None:
        """Start it; it may not hold yet."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.local.holder", str(state), *STAND_IN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            text=True,
        )

    def await_hold(self) -> int:
        """Return the server's pid, once it holds."""
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def leave(self) -> str:
        """Have it let go; return its last word."""
        word, _ = self._process.communicate()
        return word.strip()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, and wait for its end."""
        self._process.send_signal(number)
        self._process.communicate()
