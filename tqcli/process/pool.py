"""The runners of one agent: warm ones are used again, dead ones replaced."""

from __future__ import annotations

import array
import asyncio
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tqcli.process.cgroup import Cgroup
from tqcli.process.child import Runner
from tqcli.process.stop import containment, sweep_orphans

if TYPE_CHECKING:
    from collections.abc import Callable

BOOT = "import sys; sys.path.append(sys.argv.pop()); from tqcli.process.zygote import main; main()"
"""Starts the zygote with nothing of site-packages in its way; a module, unlike a script, is compiled only once."""
ROOT = Path(__file__).parents[2]
CONTROL_FD = 3
CLOSE_TIMEOUT_S = 5.0
"""How long `close` waits for processes that the kernel won't let die."""
SWEEP_S, SWEEP_AGAIN_S = 1.0, 0.02
"""A process's sockets close before its children get their new parent: so for how long to look, and how often."""


class RunnerPool:
    """Hands out runners, as many as are asked for: it is the agent that counts slots. Belongs to one event loop."""

    def __init__(self) -> None:
        """No process is started before `start` or the first `acquire`."""
        self._zygote: Zygote | None = None
        self._idle: list[Runner] = []
        self._runners: set[Runner] = set()
        self._sweeps: set[asyncio.Task[None]] = set()
        self._cgroup: Cgroup | None = None

    @property
    def containment(self) -> str:
        """What holds an attempt's processes together: `cgroup`, `subreaper`, or only a `process group`."""
        return containment() if self._cgroup is None else "cgroup"

    async def __aenter__(self) -> Self:
        """Return the pool."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every runner."""
        await self.close()

    def start(self) -> None:
        """Start the zygote before the first `acquire` has to wait for it: 40 ms that can pass beside other things.

        Raises:
            OSError: the system has no place for another process or descriptor.
        """
        self._require_zygote()

    async def acquire(self) -> Runner:
        """Return a runner of one's own, until `release`.

        Raises:
            OSError: the system has no place for another process or descriptor.
        """
        if self._idle:
            return self._idle.pop()
        zygote = self._require_zygote()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            zygote.fork(theirs)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        runner = Runner(ours, self._on_runner_lost)
        self._runners.add(runner)
        return runner

    def release(self, runner: Runner) -> None:
        """Take a runner back; one that died is forgotten."""
        if runner.alive:
            self._idle.append(runner)

    async def close(self) -> None:
        """Kill what runs and wait until no process of the pool is left. `run` then returns RunnerLost."""
        for runner in tuple(self._runners):
            runner.close()
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            await zygote.close()
        if self._sweeps:
            await asyncio.wait(self._sweeps, timeout=CLOSE_TIMEOUT_S)
        if self._cgroup is not None:
            self._cgroup.remove()
            self._cgroup = None

    def _require_zygote(self) -> Zygote:
        if self._zygote is None:
            if self._cgroup is None:
                self._cgroup = Cgroup.make()
            self._zygote = Zygote(self._on_zygote_lost)
            # Before it forks anything: what it forks is born there.
            if self._cgroup is not None and not self._cgroup.take(self._zygote.pid):
                self._cgroup.remove()
                self._cgroup = None
        return self._zygote

    def _on_runner_lost(self, runner: Runner) -> None:
        self._runners.discard(runner)
        if runner in self._idle:
            self._idle.remove(runner)

    def _on_zygote_lost(self, zygote: Zygote) -> None:
        """Go on with a new one. The runners of the old one have noticed too: they end with what they run."""
        if zygote is not self._zygote:
            return
        self._zygote = None
        for runner in self._idle.copy():
            runner.close()
        sweeping = asyncio.get_running_loop().create_task(sweep())
        self._sweeps.add(sweeping)
        sweeping.add_done_callback(self._sweeps.discard)


async def sweep() -> None:
    """End all that a killed zygote and runners killed with it have left to this process."""
    dying: set[int] = set()
    until = time.monotonic() + SWEEP_S
    while not sweep_orphans(dying) or time.monotonic() < until:  # noqa: ASYNC110 - nobody tells when an orphan comes
        await asyncio.sleep(SWEEP_AGAIN_S)


class Zygote:
    """The process that forks the runners (`tqcli.process.zygote`)."""

    def __init__(self, on_lost: Callable[[Zygote], None]) -> None:
        """Start it; `on_lost` is called when it has ended."""
        self._loop = asyncio.get_running_loop()
        self._on_lost = on_lost
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", "-c", BOOT, str(os.getpid()), str(ROOT)],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, theirs.fileno(), CONTROL_FD),
                ],
                setsid=True,
            )
        self._loop.add_reader(self._sock.fileno(), self._on_end)

    def fork(self, theirs: socket.socket) -> None:
        """Ask for a runner at the other end of this socket. There is no answer: the runner itself says hello."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))]
        self._sock.sendmsg([b"f"], rights)

    async def close(self) -> None:
        """Wait until it and all its runners have ended."""
        self._sock.shutdown(socket.SHUT_WR)
        await asyncio.wait({self._ended}, timeout=CLOSE_TIMEOUT_S)
        if not self._ended.done():
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()

    def _on_end(self) -> None:
        """Bury it: it never says anything, so its socket is readable only when it ends."""
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        os.waitpid(self.pid, 0)
        self._ended.set_result(None)
        self._on_lost(self)
