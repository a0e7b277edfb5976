"""What the jobs of these tests run: `job.py LEDGER [KEY=NUMBER …]`, with nothing imported that costs time.

It appends a line to the ledger when it begins and when it ends, each in one write, and on disk before it goes on. The
keys: `sleep` seconds; `print` so many bytes; `daemon=1` leaves a process in a session of its own; in attempts before
`good` it exits with 9.
"""

from __future__ import annotations

import os
import signal
import sys
import time

BAD = 9


def main(ledger: str, *settings: str) -> int:
    """Do what the settings say; return the exit code."""
    options = dict(setting.split("=") for setting in settings)
    fd = os.open(ledger, os.O_WRONLY | os.O_APPEND)
    note(fd, "start")
    if "daemon" in options:
        leave_behind()
    printed = f"{os.environ['TQ_JOB_ID']} {os.environ['TQ_ATTEMPT']}\n".encode()
    left = int(options.get("print", 0))
    while left > 0:
        left -= os.write(1, printed * min(100, -(-left // len(printed))))
    time.sleep(float(options.get("sleep", 0)))
    code = BAD if int(os.environ["TQ_ATTEMPT"]) < int(options.get("good", 0)) else 0
    note(fd, "end", str(code))
    return code


def note(fd: int, word: str, *more: str) -> None:
    """Append one line to the ledger."""
    names = ("TQ_JOB_ID", "TQ_ATTEMPT", "TQ_CLAIM")
    agent = os.environ.get("CHAOS_AGENT", "-")
    words = (word, *(os.environ[name] for name in names), agent, str(os.getpid()), f"{time.time():.3f}", *more)
    os.write(fd, f"{' '.join(words)}\n".encode())
    os.fsync(fd)


def leave_behind() -> None:
    """Start a process that nobody waits for and that no signal to the job's group reaches."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                signal.pause()
        os._exit(0)
    os.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
