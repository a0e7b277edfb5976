"""A job that does all it can to leave something behind: `escape.py CLAIM exit|stay|deaf [CROWD]`.

CLAIM stands in the command line, by which a test finds what is left. It prints `ready` when all its processes are.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def start(ready: int, prepare: Callable[[], None]) -> None:
    """Fork a process that prepares, closes its end of the `ready` pipe, and waits for ever."""
    if os.fork() == 0:
        prepare()
        os.close(ready)
        while True:
            signal.pause()


def turn_deaf() -> None:
    """Ignore every signal that can be ignored."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_IGN)


def become_daemon() -> None:
    """Fork twice, with a session and a process group of one's own, and let go of everything inherited."""
    os.setsid()
    if os.fork():
        os._exit(0)
    turn_deaf()
    os.setpgid(0, 0)
    os.chdir("/")
    for fd in range(3):
        os.close(fd)


def hide() -> None:
    """Become a program without the environment that the job was given."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.execve("/bin/sh", ["sh", "-c", f"sleep 1000; : {sys.argv[1]}"], {})  # noqa: S606


def stop_self(ready: int) -> None:
    """Stand still."""
    os.close(ready)
    os.kill(os.getpid(), signal.SIGSTOP)


def main() -> None:
    """Start them all."""
    claim, ending = sys.argv[1], sys.argv[2]
    assert claim
    reading, ready = os.pipe()
    start(ready, lambda: None)
    start(ready, turn_deaf)
    start(ready, os.setsid)
    start(ready, become_daemon)
    start(ready, hide)
    start(ready, lambda: stop_self(ready))
    for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 0):
        start(ready, turn_deaf)
    os.close(ready)
    os.read(reading, 1)
    if ending == "deaf":
        turn_deaf()
    os.write(1, b"ready\n")
    while ending != "exit":
        signal.pause()


if __name__ == "__main__":
    main()
