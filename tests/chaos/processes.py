"""Which processes of a test are there: what /proc says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """A process: the name of its program, and what it was started with in its environment."""

    pid: int
    name: str
    env: dict[str, str]

    @property
    def claim(self) -> str | None:
        """The attempt it runs for; None for an agent's own."""
        return self.env.get("TQ_CLAIM")


def find_processes(variable: str, value: str) -> list[Process]:
    """Return all processes, but for zombies, that were started with this variable in their environment."""
    mark = f"{variable}={value}".encode()
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        folder = Path(entry.path)
        try:
            words = (folder / "environ").read_bytes().split(b"\0")
            if mark in words:
                env = dict(word.decode(errors="replace").partition("=")[::2] for word in words)
                found.append(Process(int(entry.name), (folder / "comm").read_text().strip(), env))
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return found
