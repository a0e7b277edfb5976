"""A command that holds the local broker, as a process of its own: `python -m … STATE AGENT…`.

It prints the server's pid when it holds, lets go when its stdin ends, and prints `gone` after.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tqcli.local.hold import hold_local


def say(word: object) -> None:
    """Print it now."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    """Hold until told, or killed."""
    with hold_local(agent=True, state=Path(sys.argv[1]), command=sys.argv[2:]) as hold:
        say(hold.status.server_pid)
        sys.stdin.read()
    say("gone")


if __name__ == "__main__":
    main()
