"""Process trees: who is whose child, and the end of all that is left of one.

Only direct children are killed. A child that nobody has waited for keeps its process id, so the signal can't meet a
stranger; what a dead child leaves behind comes to its sub-reaper, and is then a direct child itself. So killing and
reaping until no child remains ends any tree, without a race and without knowing its shape.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36
PR_GET_CHILD_SUBREAPER = 37
SIGNAL_INFO_BYTES = 128

_PPID, _PGRP = 1, 2  # fields of /proc/<pid>/stat after the name


def prctl(option: int, value: int | bytes) -> bool:
    """Set an attribute of this process; return False where the kernel has no such thing.

    Source: the man page of that name, section 2.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    argument = ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_ulong(value)
    return bool(libc.prctl(option, argument, 0, 0, 0) == 0)


def has_subreapers() -> bool:
    """Return whether the kernel knows sub-reapers."""
    answer = ctypes.c_int()
    return bool(ctypes.CDLL(None).prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0) == 0)


def open_signals(*signals: int) -> int:
    """Return a descriptor that is readable while one of these (blocked) signals is pending. Source: signalfd(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    mask = ctypes.create_string_buffer(128)
    libc.sigemptyset(mask)
    for number in signals:
        libc.sigaddset(mask, number)
    fd: int = libc.signalfd(-1, mask, os.O_CLOEXEC | os.O_NONBLOCK)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "signalfd")
    return fd


def read_signals(fd: int) -> set[int]:
    """Return the numbers of the pending signals that `fd` was opened for; they are pending no more."""
    data = os.read(fd, 32 * SIGNAL_INFO_BYTES)
    return {int.from_bytes(data[at : at + 4], sys.byteorder) for at in range(0, len(data), SIGNAL_INFO_BYTES)}


def processes() -> dict[int, tuple[int, int]]:
    """Return parent and process group of every process that /proc shows."""
    table = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib costs a runner 8 ms
        if name.isdecimal() and (stat := read_proc(int(name), "stat")):
            table[int(name)] = _parse_stat(stat)
    return table


def read_parent(pid: int) -> int | None:
    """Return a process's parent as it is now; None where the process is gone."""
    stat = read_proc(pid, "stat")
    return _parse_stat(stat)[0] if stat else None


def _parse_stat(stat: bytes) -> tuple[int, int]:
    # The command's name stands in parentheses and may itself hold spaces and parentheses.
    fields = stat[stat.rindex(b")") + 2 :].split(b" ", 3)
    return int(fields[_PPID]), int(fields[_PGRP])


def read_proc(pid: int, entry: str) -> bytes:
    """Return what /proc/<pid>/<entry> holds, empty where the process is gone or not ours."""
    try:
        with open(f"/proc/{pid}/{entry}", "rb", buffering=0) as file:  # noqa: PTH123 - pathlib costs a runner 8 ms
            return file.read()
    except OSError:
        return b""


def children() -> list[int]:
    """Return this process's direct children, zombies included.

    The list may miss one while others end (proc(5)), so callers repeat until waiting says that there is no child.
    """
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:  # noqa: PTH123 - pathlib costs a runner 8 ms
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return [child for child, (parent, _) in processes().items() if parent == pid]


def descendants(pid: int) -> dict[int, int]:
    """Return every descendant of `pid` with its process group."""
    table = processes()
    below: dict[int, list[int]] = {}
    for child, (parent, _) in table.items():
        below.setdefault(parent, []).append(child)
    found: dict[int, int] = {}
    todo = [pid]
    while todo:
        for child in below.get(todo.pop(), ()):
            if child not in found:
                found[child] = table[child][1]
                todo.append(child)
    return found


def terminate_descendants() -> None:
    """Ask every descendant to end, one TERM each: by process group, so that none forks away from it."""
    for group in set(descendants(os.getpid()).values()) - {os.getpgrp()}:
        for number in (signal.SIGTERM, signal.SIGCONT):  # a stopped process sees its TERM only once it goes on
            signal_group(group, number)


def kill_children(*, spare: set[int] | frozenset[int] = frozenset()) -> bool:
    """Kill this process's children but `spare`, with their process groups; return whether there were any."""
    doomed = [child for child in children() if child not in spare]
    for child in doomed:
        kill_child(child)
    return bool(doomed)


def kill_child(child: int) -> None:
    """Kill a child that nobody has waited for, with its process group.

    A group of a descendant holds descendants only, since a session is made of what its leader forked.
    """
    with suppress(ProcessLookupError):
        group = os.getpgid(child)
        if group != os.getpgrp():
            signal_group(group, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):  # gone, or set-user-ID and not ours to kill
        os.kill(child, signal.SIGKILL)


def signal_group(group: int, number: int) -> None:
    """Send a signal to a process group that may have ended meanwhile."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
