"""A cgroup for the processes of an agent's jobs, where the host delegates one.

No process leaves it, whatever it does, and one write kills all that is in it. What it adds to runners and zygote, which
end all that they can see, is the case in which they were all killed with their agent: the next agent finds the cgroup,
with even those in it that dropped their environment. Source: the kernel's cgroup-v2 guide, `cgroup.kill` (Linux 5.14).
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from tqcli.process import tree

PREFIX = "tq-agent-"
GONE_WITHIN_S = 2.0
_START_TIME = 19  # field of /proc/<pid>/stat after the name


class Cgroup:
    """The cgroup of one agent; the agent itself is not in it."""

    def __init__(self, folder: Path) -> None:
        """`folder` is there."""
        self._folder = folder

    @classmethod
    def make(cls) -> Self | None:
        """Return a new one for this process, or None where the host lets us make none."""
        above = find_delegated()
        if above is None:
            return None
        pid = os.getpid()
        folder = above / f"{PREFIX}{pid}-{_read_start(pid)}"
        try:
            folder.mkdir(exist_ok=True)
        except OSError:
            return None
        if not (folder / "cgroup.kill").exists():
            folder.rmdir()
            return None
        return cls(folder)

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


def kill_left() -> int:
    """Kill all that is in the cgroups of dead agents, and remove them; return how many processes were in them."""
    above = find_delegated()
    if above is None:
        return 0
    killed = 0
    for folder in above.glob(f"{PREFIX}*"):
        pid, _, start = folder.name.removeprefix(PREFIX).partition("-")
        if not pid.isdigit() or _read_start(int(pid)) == start:
            continue
        with suppress(OSError):  # another agent that starts may be doing the same
            killed += len((folder / "cgroup.procs").read_text().split())
            (folder / "cgroup.kill").write_text("1")
            _wait_until_empty(folder)
            folder.rmdir()
    return killed


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


def _read_start(pid: int) -> str:
    """Return when a process was started, which tells it from a later one of the same id; empty where it is gone."""
    fields = tree.read_proc(pid, "stat").rpartition(b") ")[2].split()
    return fields[_START_TIME].decode() if len(fields) > _START_TIME else ""


def _wait_until_empty(folder: Path) -> None:
    until = time.monotonic() + GONE_WITHIN_S
    while "populated 1" in (folder / "cgroup.events").read_text() and time.monotonic() < until:
        time.sleep(0.01)
