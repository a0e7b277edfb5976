"""A runner that can't kill and is impatient, to be driven by a test: `harmless_runner.py FD`."""

from __future__ import annotations

import os
import signal
import socket
import sys

sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as light as a runner

from tqcli.process import runner, tree


def spare(**_: object) -> bool:
    """Kill nobody."""
    return True


def main() -> None:
    """Serve the socket."""
    runner.STUCK_AFTER_S = 0.3
    tree.kill_children = spare
    tree.prctl(tree.PR_SET_CHILD_SUBREAPER, 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    signals = tree.open_signals(signal.SIGCHLD, signal.SIGUSR1)
    runner.Runner(socket.socket(fileno=int(sys.argv[1])), signals).serve()


if __name__ == "__main__":
    main()
