"""The world of the storm: a server, agents that are started again when they end, bad lines, and what was submitted.

Every process of it carries the mark CHAOS=<its token> in its environment, and those of an agent CHAOS_AGENT=<its name>.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING, NamedTuple, Self

import msgspec

from tests.chaos.history import History
from tests.chaos.ledger import Ledger
from tests.chaos.processes import find_processes
from tests.chaos.proxy import Lines
from tests.support.server import NatsServer
from tests.support.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos.proxy import Proxy

RESTART_PAUSE_S = 0.2


class Death(NamedTuple):
    """When an agent was killed, and which it was."""

    agent: str
    at: float


class Host:
    """A place for one agent, behind a line of its own; whenever the agent ends, a new one takes its place."""

    def __init__(self, world: World, number: int, slots: int) -> None:
        """Start the first."""
        self.line: Proxy = world.lines.open(world.server.port)
        self.frozen = False
        self._world = world
        self._name = f"host{number}"
        self._slots = slots
        self._generation = 0
        self._lock = RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self.keep()

    @property
    def agent(self) -> str:
        """The name of the agent that is there now."""
        return f"{self._name}-{self._generation}"

    def keep(self) -> None:
        """Start an agent if there is none."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            world = self._world
            self._generation += 1
            endpoint = world.folder / f"{self._name}.json"
            url = f"nats://127.0.0.1:{self.line.port}"
            endpoint.write_bytes(msgspec.json.encode(msgspec.structs.replace(world.server.endpoint, servers=(url,))))
            command = [sys.executable, "-m", "tqcli.agent", "--endpoint-file", str(endpoint), "--name", self.agent]
            with (world.folder / f"{self._name}.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [*command, "--slots", str(self._slots)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "CHAOS": world.token, "CHAOS_AGENT": self.agent},
                )

    def signal(self, number: signal.Signals) -> None:
        """Send the agent a signal."""
        with self._lock, suppress(ProcessLookupError):
            if self._process is not None:
                self._process.send_signal(number)

    def kill(self) -> None:
        """Kill the agent, and note when."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                return
            self.signal(signal.SIGKILL)
            self.signal(signal.SIGCONT)
            self._process.wait(10)
            self._world.deaths.append(Death(self.agent, time.time()))

    def freeze(self) -> None:
        """Stop the agent's clock."""
        self.frozen = True
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.frozen = False
        self.signal(signal.SIGCONT)

    def leave(self, timeout_s: float) -> int:
        """Drain the agent; return its exit code."""
        assert self._process is not None
        self.signal(signal.SIGTERM)
        return self._process.wait(timeout_s)

    def kill_helper(self, name: str) -> bool:
        """Kill one of the agent's processes of this name; return whether there was one."""
        for process in find_processes("CHAOS_AGENT", self.agent):
            if process.name == name:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                    return True
        return False


class World:
    """All that the storm comes down on."""

    def __init__(self, folder: Path, *, hosts: int, slots: int) -> None:
        """Prepare; the context manager starts everything."""
        self.folder = folder
        self.token = secrets.token_hex(6)
        self.server = NatsServer(user="tq", password=secrets.token_hex(8), sync="always")
        self.lines = Lines()
        self.ledger = Ledger(folder)
        self.hosts: list[Host] = []
        self.deaths: list[Death] = []
        self._host_count = hosts
        self._slots = slots
        self._over = Event()
        self._keeper = Thread(target=self._keep, daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self.server.start()
        self.lines.__enter__()
        self.client_line = self.lines.open(self.server.port)
        self.stage = Stage(self.server.endpoint, "tq")
        self.stage.open("default")
        self.history = History(self.stage)
        self.hosts = [Host(self, number, self._slots) for number in range(1, self._host_count + 1)]
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End everything that is still there."""
        self.stop_keeping()
        for host in self.hosts:
            host.kill()
        self.stage.close()
        self.lines.__exit__()
        self.server.__exit__(None, None, None)

    def stop_keeping(self) -> None:
        """Start no agent any more."""
        self._over.set()
        self._keeper.join()

    def find_marked(self) -> list[str]:
        """Return a line for every process of this world that is left; the server is none of them."""
        return [f"{one.pid} {one.name} {one.claim}" for one in find_processes("CHAOS", self.token)]

    def _keep(self) -> None:
        while not self._over.wait(RESTART_PAUSE_S):
            for host in self.hosts:
                host.keep()


def pause(seconds: float, until: Callable[[], bool] | None = None) -> None:
    """Let time pass, or less where a condition comes true before."""
    end = time.monotonic() + seconds
    step = Event()
    while (left := end - time.monotonic()) > 0 and not (until and until()):
        step.wait(min(left, 0.1))
