"""The last nets: processes of attempts whose runner can't end them, because it was killed itself.

A killed runner's orphans go to the zygote. Only when that is killed too do they come to the agent, if it is a
sub-reaper, or to init. They are known by their cgroup, or by the variable TQ_CLAIM in their environment.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from tqcli.process import cgroup, tree

CLAIM_VARIABLE = "TQ_CLAIM"
"""In the environment of every command, and so of what it starts: names the delivery that it runs for."""

RUNNER_COMM = b"tq-runner\n"


def become_subreaper() -> bool:
    """Let orphans of this process's descendants come to it rather than to init; False where the kernel can't."""
    return tree.prctl(tree.PR_SET_CHILD_SUBREAPER, 1)


def containment() -> str:
    """Return how this host holds an attempt's processes together: `subreaper`, or only a `process group`."""
    return "subreaper" if tree.has_subreapers() else "process group"


def read_claim(pid: int) -> str | None:
    """Return the TQ_CLAIM that a process was started with; None without one, and for a zombie."""
    prefix = f"{CLAIM_VARIABLE}=".encode()
    for entry in tree.read_proc(pid, "environ").split(b"\0"):
        if entry.startswith(prefix):
            return entry[len(prefix) :].decode("utf-8", "replace")
    return None


def sweep_orphans(dying: set[int]) -> bool:
    """Kill what came to this process, a sub-reaper, when the zygote was killed; wait for it without blocking.

    Returns whether all that was found has ended. `dying` is this function's own memory from call to call.
    """
    own = os.environ.get(CLAIM_VARIABLE)  # an agent may itself be a job's
    for child in tree.children():
        if child in dying:
            continue
        if tree.read_proc(child, "comm") == RUNNER_COMM:
            dying.add(child)  # it has noticed, and ends with all that it runs
        elif read_claim(child) not in (None, own):
            tree.kill_child(child)
            dying.add(child)
    for pid in tuple(dying):
        try:
            ended, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            ended = pid
        if ended:
            dying.discard(pid)
    return not dying


def kill_strays() -> int:
    """Kill what is left of dead agents' attempts on this host; return how many processes that were.

    All that is in their cgroups, where there are any, and every process that runs for an attempt without a runner.

    For an agent that starts: whatever killed the one before may have killed its runners with it (H34).
    """
    own = os.environ.get(CLAIM_VARIABLE)
    killed = cgroup.kill_left()
    for pid in tree.processes():
        if read_claim(pid) in (None, own) or not is_stray(pid):
            continue
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


def is_stray(pid: int) -> bool:
    """Return whether a process surely has no runner above it.

    Parents are looked up one by one, as they are now: a picture of all processes, taken while some of them end, would
    show the child of one that has just ended as nobody's, and an innocent job would be killed.
    """
    while pid > 1:
        if tree.read_proc(pid, "comm") == RUNNER_COMM:
            return False
        parent = tree.read_parent(pid)
        if parent is None:
            return False  # it ended under our eyes; whose its children are now is for the next look
        pid = parent
    return True
