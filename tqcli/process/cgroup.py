"""A cgroup for the processes of an agent's jobs, where the host delegates one.

No process leaves it, whatever it does, and one write kills all that is in it. What it adds to runners and zygote, which
end all that they can see, is the case in which they were all killed with their agent: the next agent finds the cgroup,
with even those in it that dropped their environment. Source: the kernel's cgroup-v2 guide, `cgroup.kill` (Linux 5.14).
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

PREFIX = "tq-agent-"
GONE_WITHIN_S = 2.0


class Cgroup:
    """The cgroup of one agent; the agent itself is not in it, but holds a lock on it for as long as it lives."""

    def __init__(self, folder: Path, lock: int) -> None:
        """`folder` is there, and `lock` an open descriptor of it."""
        self._folder = folder
        self._lock = lock

    @classmethod
    def make(cls) -> Self | None:
        """Return a new one for this process, or None where the host lets us make none."""
        above = find_delegated()
        if above is None:
            return None
        folder = above / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        try:
            folder.mkdir()
        except OSError:
            return None
        lock = _try_lock(folder)
        if lock is None:  # another agent that starts took it for a dead one's, and removes it
            return None
        cgroup = cls(folder, lock)
        if not (folder / "cgroup.kill").exists():
            cgroup.remove()
            return None
        return cgroup

    def take(self, pid: int) -> bool:
        """Move a process into it, with all that it will start; return False where that is not possible."""
        try:
            (self._folder / "cgroup.procs").write_text(str(pid))
        except OSError:
            return False
        return True

    def remove(self) -> None:
        """Remove it, once nothing is in it; what is left the next agent ends."""
        with suppress(OSError):
            self._folder.rmdir()
        os.close(self._lock)


def kill_left() -> int:
    """Kill all that is in the cgroups of dead agents, and remove them; return how many processes were in them."""
    above = find_delegated()
    if above is None:
        return 0
    killed = 0
    for folder in above.glob(f"{PREFIX}*"):
        lock = _try_lock(folder)
        if lock is None:
            continue
        with suppress(OSError):  # another agent that starts may have done the same
            killed += len((folder / "cgroup.procs").read_text().split())
            (folder / "cgroup.kill").write_text("1")
            _wait_until_empty(folder)
            folder.rmdir()
        os.close(lock)
    return killed


def _try_lock(folder: Path) -> int | None:
    """Return a descriptor that holds the folder's lock; None where somebody else does, or it is gone.

    A process id would not do to tell whose it is: agents in several containers may share the folder above.
    """
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def find_delegated() -> Path | None:
    """Return this process's own cgroup where it is ours to divide; None where it is not, or there is no cgroup v2.

    It is where an ordinary user may write to it, where it is the root of all that we see (a container), and where
    systemd says so. Root may write to every other one too, but those are systemd's.
    """
    place = _find_own()
    if place is None:
        return None
    folder, path = place
    if not os.access(folder / "cgroup.procs", os.W_OK) or not os.access(folder, os.W_OK):
        return None
    if os.geteuid() == 0 and path != "/" and not _is_marked(folder):
        return None
    return folder


def _find_own() -> tuple[Path, str] | None:
    """Return this process's cgroup: its folder, and its path from the root that we see."""
    try:
        rows = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        mounts = [row.split() for row in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
        path = next(row[len("0::") :] for row in rows if row.startswith("0::"))
        root = next(mount[1] for mount in mounts if mount[2] == "cgroup2")
    except (OSError, StopIteration):
        return None
    return Path(root + path.rstrip("/")), path


def _is_marked(folder: Path) -> bool:
    """Return whether systemd delegates it (`Delegate=yes`)."""
    try:
        return os.getxattr(folder, "trusted.delegate") == b"1"
    except OSError:
        return False


def _wait_until_empty(folder: Path) -> None:
    until = time.monotonic() + GONE_WITHIN_S
    while "populated 1" in (folder / "cgroup.events").read_text() and time.monotonic() < until:
        time.sleep(0.01)
