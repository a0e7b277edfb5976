"""The zygote: one small process beside the agent that forks a runner for each slot.

A fork of it takes a millisecond and shares its memory, where a new interpreter takes 30 ms and 8 MiB. It is a
sub-reaper as well: what a killed runner leaves behind comes here, and is killed.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys

from tqcli.process import tree
from tqcli.process.runner import Runner, receive

CONTROL_FD = 3
SWEEP_AGAIN_MS = 20
"""How long after a sweep that found something the next one comes, whatever happens."""


def main() -> None:
    """Run the zygote: `argv` is the agent's process id, the control socket is descriptor 3."""
    agent = int(sys.argv[1])
    prepare()
    die_with(agent)
    signals = tree.open_signals(signal.SIGCHLD, signal.SIGUSR1)
    gc.disable()
    gc.freeze()  # a collection would write to, and so copy, every page that the runners share
    Zygote(socket.socket(fileno=CONTROL_FD), signals, agent).serve()


def prepare() -> None:
    """Make this process what a parent of runners must be."""
    # Blocked, not ignored: a command must find every signal at its default, and an ignored one stays so across exec.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    os.closerange(CONTROL_FD + 1, 1 << 20)
    os.set_inheritable(CONTROL_FD, False)  # noqa: FBT003
    tree.prctl(tree.PR_SET_CHILD_SUBREAPER, 1)
    tree.prctl(tree.PR_SET_NAME, b"tq-zygote")
    os.chdir("/")


def die_with(parent: int) -> None:
    """Ask for SIGUSR1 when the parent dies, and leave where it is dead already."""
    tree.prctl(tree.PR_SET_PDEATHSIG, signal.SIGUSR1)
    if os.getppid() != parent:
        os._exit(0)


class Zygote:
    """Forks runners on demand. `signals` is readable when a child ended or the agent died."""

    def __init__(self, control: socket.socket, signals: int, agent: int) -> None:
        self.control = control
        self.signals = signals
        self.agent = agent
        self.poll = select.poll()
        self.poll.register(signals, select.POLLIN)
        self.poll.register(control.fileno(), select.POLLIN)
        self.pid = os.getpid()
        self.runners: set[int] = set()

    def serve(self) -> None:
        """Fork a runner for each socket that comes in, until the agent is gone; then wait for the last child."""
        listening, timeout_ms = True, None
        while True:
            ready = {fd for fd, _ in self.poll.poll(timeout_ms)}
            if listening and self.control.fileno() in ready:
                listening = self.obey()
            if listening and os.getppid() != self.agent:
                listening = False
            if self.signals in ready:
                tree.read_signals(self.signals)
            if self.signals in ready or timeout_ms is not None:
                timeout_ms = SWEEP_AGAIN_MS if self.sweep() else None
            if not listening:
                self.dismiss()
                if not has_children():
                    return

    def dismiss(self) -> None:
        """Tell the runners that the agent is gone: their own sockets may be open still, in some copy of it."""
        if self.control.fileno() < 0:
            return
        self.poll.unregister(self.control.fileno())
        self.control.close()
        for pid in self.runners:
            os.kill(pid, signal.SIGUSR1)

    def obey(self) -> bool:
        """Fork a runner for the socket that came; False where none will come any more."""
        _, fds = receive(self.control)
        for fd in fds:
            try:
                pid = os.fork()
            except OSError:
                pid = -1
            if pid == 0:
                self.become_runner(fd)
            os.close(fd)  # after a failed fork the agent learns of it by this: nobody is at the other end
            if pid > 0:
                self.runners.add(pid)
        return bool(fds)

    def become_runner(self, fd: int) -> None:
        """Be the runner that serves the socket `fd`; never returns."""
        status = 1
        try:
            self.control.close()
            os.setsid()
            tree.prctl(tree.PR_SET_CHILD_SUBREAPER, 1)
            tree.prctl(tree.PR_SET_NAME, b"tq-runner")
            die_with(self.pid)
            Runner(socket.socket(fileno=fd), self.signals).serve()
            status = 0
        except BaseException:  # noqa: BLE001 - nothing may unwind into the zygote's own frames
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def sweep(self) -> bool:
        """Wait for children that ended, kill what dead runners left behind; return whether there was any of either."""
        reaped = False
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                break
            self.runners.discard(pid)
            reaped = True
        return tree.kill_children(spare=self.runners) or reaped


def has_children() -> bool:
    """Return whether this process has a child, ended or not."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
