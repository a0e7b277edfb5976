"""The source files that a worker has loaded, and whether they are still what they were.

Whoever edits a file must never run what it held before. Installed packages and Python's own modules are taken as they
are: changing them under a running program is nobody's habit.
"""

from __future__ import annotations

import os
import sys
import time

INSTALLED = ("/site-packages/", "/dist-packages/")
OWN = os.path.dirname(os.path.dirname(__file__)) + "/"  # noqa: PTH120 - pathlib costs a worker's start 8 ms
PYTHON = os.path.dirname(os.__file__) + "/"  # noqa: PTH120 - as above

UNSURE_NS = 20_000_000
"""The kernel stamps files with a clock that may lag by a tick; a change so close to an import may be on either side."""

SHARE = 20
"""After a look that took a millisecond the next one comes 20 later: 5 % of the time at most goes into looking."""


class Sources:
    """What has been imported from files that somebody may edit."""

    def __init__(self) -> None:
        """What is loaded by now is Python's and tq's."""
        self._seen = set(sys.modules)
        self._files: dict[str, tuple[int, int]] = {}
        self._next_look_ns = 0

    def note(self, since_ns: int) -> bool:
        """Take down what was imported since `since_ns` (of `time.time_ns`).

        Returns False where a file has changed since: nobody knows which state of it was loaded.
        """
        if len(sys.modules) == len(self._seen):
            return True
        known = True
        for name, module in tuple(sys.modules.items()):
            if name in self._seen:
                continue
            self._seen.add(name)
            file = getattr(module, "__dict__", {}).get("__file__")
            if not isinstance(file, str) or not may_be_edited(file):
                continue
            state = look(file)
            self._files[file] = state
            known = known and state[0] < since_ns - UNSURE_NS
        return known

    def unchanged(self) -> bool:
        """Return whether all files are what they were."""
        begin = time.monotonic_ns()
        if begin < self._next_look_ns:
            return True
        same = all(look(file) == state for file, state in self._files.items())
        end = time.monotonic_ns()
        self._next_look_ns = end + SHARE * (end - begin)
        return same


def may_be_edited(file: str) -> bool:
    """Return whether a module's file is somebody's own, not installed."""
    return not (file.startswith((PYTHON, OWN)) or any(part in file for part in INSTALLED))


def look(file: str) -> tuple[int, int]:
    """Return when a file was last changed in any way, and its inode; zeros where it is gone (or in an archive)."""
    try:
        stat = os.stat(file)  # noqa: PTH116 - as above
    except OSError:
        return 0, 0
    return stat.st_ctime_ns, stat.st_ino
