"""The runner: the process beside the agent that runs one attempt at a time and sees it end to the last descendant.

It is forked by the `zygote` and starts nothing but commands. As a sub-reaper with one attempt at a time, every
descendant it has belongs to that attempt, whatever it did to get away: `setsid`, a double fork, an ignored TERM.
"""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import time
from contextlib import suppress

from tqcli.process import tree, wire
from tqcli.process.launch import CANNOT_RUN, NotStartable, launch

KILL_AGAIN_MS, SLOW_KILL_AGAIN_MS = 20, 1000
"""How long a kill may take before the children are listed anew: at first, and after a second."""
STUCK_AFTER_S = 60.0
"""What is still there so long after its SIGKILL hangs in the kernel, or is not ours to kill: the slot is given up."""
LONGEST_WAIT_MS = 3_600_000
"""The kernel takes no more than 24 days at once; a grace may be longer."""
CMSG_BYTES = socket.CMSG_SPACE(wire.MAX_FDS * 4)


class AgentGone(Exception):
    """The other end of the socket is closed, or the agent is dead without that."""


class Runner:
    """One slot's process. `signals` is readable when a child has ended, and on SIGUSR1."""

    def __init__(self, sock: socket.socket, signals: int) -> None:
        self.sock = sock
        self.signals = signals
        self.poll = select.poll()
        self.poll.register(signals, select.POLLIN)
        self.poll.register(sock.fileno(), select.POLLIN)
        self.main = 0
        self.status: int | None = None
        self.usage = (0, 0.0, 0.0)
        self.kill_at: float | None = None
        self.made = ""
        self.stuck_after_s = STUCK_AFTER_S

    def serve(self) -> None:
        """Run attempts until the agent is gone; then kill what still runs."""
        try:
            self.sock.send(wire.encode_hello(os.getpid()))
            while True:
                packet, fds = self.hear()
                if packet[:1] == wire.RUN:
                    self.attempt(packet, fds)
                # else a STOP that crossed our ENDED: its attempt is over
        except (AgentGone, BrokenPipeError, ConnectionResetError):
            self.poll.unregister(self.sock.fileno())
            self.sock.close()
            self.finish()
            self.clear()

    def finish(self) -> None:
        """Kill all there is, until nothing is."""
        self.kill_at = time.monotonic()
        self.stuck_after_s = math.inf
        while self.reap():
            with suppress(AgentGone):  # there may be several who say so
                self.wait(self.pursue())

    def hear(self) -> tuple[bytes, list[int]]:
        """Wait for the agent's next packet; return it with its descriptors."""
        while not self.wait(None):
            pass
        return self.take()

    def wait(self, timeout_ms: float | None) -> bool:
        """Wait for something to happen; return whether the agent said something.

        Raises:
            AgentGone: SIGUSR1 has come. The kernel sends it when the zygote dies, the zygote when the agent does.
        """
        heard = False
        for fd, _ in self.poll.poll(timeout_ms):
            if fd != self.signals:
                heard = True
            elif signal.SIGUSR1 in tree.read_signals(fd):
                raise AgentGone
        return heard

    def take(self) -> tuple[bytes, list[int]]:
        """Return the packet that has arrived and its descriptors.

        Raises:
            AgentGone: there is none and will be none.
        """
        packet, fds = receive(self.sock)
        if not packet:
            raise AgentGone
        return packet, fds

    def attempt(self, packet: bytes, fds: list[int]) -> None:
        """Run one command and report how it ended, once nothing of it is left."""
        try:
            self.main = self.start(packet, fds)
        except NotStartable as refusal:
            os.chdir("/")
            self.sock.send(wire.encode_not_started(refusal.code, refusal.kind, refusal.message))
            self.clear()
            return
        finally:
            for fd in fds:
                os.close(fd)
        while self.reap():
            if self.status is not None and self.kill_at is None:
                self.kill_at = time.monotonic()  # the command is done, so what it left behind goes at once
            if self.wait(self.pursue()):
                self.obey(self.take()[0])
        os.chdir("/")
        self.report(last=False)
        self.clear()

    def start(self, packet: bytes, fds: list[int]) -> int:
        """Start what a RUN asks for; return its process id."""
        self.status, self.kill_at = None, None
        flags, argc, words = wire.decode_run(packet)
        # They came in this order, each with the lowest number that was free, so none is replaced before it is used.
        left = iter(fds)
        actions = [(os.POSIX_SPAWN_DUP2, next(left), 1), (os.POSIX_SPAWN_DUP2, next(left), 2)]
        for flag, number in ((wire.HAS_STDIN, 0), (wire.HAS_RESULT, wire.RESULT_FD), (wire.HAS_ARGS, wire.ARGS_FD)):
            if flags & flag:
                actions.append((os.POSIX_SPAWN_DUP2, next(left), number))
        if flags & wire.HAS_OVERFLOW:
            memory = next(left)
            words = os.pread(memory, os.fstat(memory).st_size, 0)
        cwd, argv, env = wire.decode_words(words, argc)
        if flags & wire.MAY_MAKE_CWD and not os.path.isdir(cwd):  # noqa: PTH112 - pathlib costs a runner's start 10 ms
            self.made = make_directory()
            cwd = env[b"PWD"] = os.fsencode(self.made)
        return launch(cwd, argv, env, actions)

    def clear(self) -> None:
        """Remove the attempt's directory, where it was made for it. The slot does not wait for that."""
        if self.made:
            import shutil  # noqa: PLC0415 - few attempts need it, and every runner would pay for it

            shutil.rmtree(self.made, ignore_errors=True)
            self.made = ""

    def reap(self) -> bool:
        """Wait for every child that has ended; return whether there are others."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.main:
                self.main = 0  # a daemon may get the number next
                self.status = status
                self.usage = usage.ru_maxrss * 1024, usage.ru_utime, usage.ru_stime

    def obey(self, packet: bytes) -> None:
        """Do what a STOP says. Of several, the earliest kill counts."""
        grace_s = wire.decode_stop(packet)
        if grace_s > 0 and self.kill_at is None:
            tree.terminate_descendants()
        kill_at = time.monotonic() + grace_s
        if self.kill_at is None or kill_at < self.kill_at:
            self.kill_at = kill_at

    def pursue(self) -> float | None:
        """Kill what is there where it is time to; return for how many milliseconds to wait then.

        Raises:
            AgentGone: the killing leads nowhere, and the agent has been told that the slot is lost.
        """
        if self.kill_at is None:
            return None
        late_s = time.monotonic() - self.kill_at
        if late_s < 0:
            return min(-late_s * 1000, LONGEST_WAIT_MS)
        if late_s > self.stuck_after_s:
            self.report(last=True)
            raise AgentGone
        tree.kill_children()
        return KILL_AGAIN_MS if late_s < 1 else SLOW_KILL_AGAIN_MS

    def report(self, *, last: bool) -> None:
        """Say how the main process ended; nothing, where it is not known to have ended."""
        if self.status is not None:
            self.sock.send(wire.encode_ended(self.status, self.usage, last=last))


def make_directory() -> str:
    """Return a fresh directory that only this user can enter.

    Raises:
        NotStartable: there is no place for one.
    """
    import tempfile  # noqa: PLC0415 - few attempts need it, and every runner would pay for it

    try:
        return tempfile.mkdtemp(prefix="tq-")
    except OSError as error:
        raise NotStartable(CANNOT_RUN, "NoDirectory", f"no directory can be made for it: {error}") from None


def receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    """Return the next packet, empty at the end, with its descriptors; they are not inherited by any program.

    `socket.recv_fds` would let them be: up to Python 3.12 it forgets its `flags`.
    """
    packet, ancillary, _, _ = sock.recvmsg(wire.WORDS_BYTES + 64, CMSG_BYTES, socket.MSG_CMSG_CLOEXEC)
    return packet, memoryview(ancillary[0][2]).cast("i").tolist() if ancillary else []
