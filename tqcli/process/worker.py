"""The worker: a program that imports once and runs Python jobs, one after another.

It is what a runner starts instead of `entry`, and does for each job what `entry` does once. After a job it makes sure
that the next one finds the process as this one did. Where it does not, the worker ends as any program ends (threads
are joined, `atexit` is run, the runner kills what is left), and the job ends with it.
"""

from __future__ import annotations

import _socket
import fcntl
import os
import sys
import time
import types
from contextvars import copy_context

from tqcli.process import tree, worker_wire
from tqcli.process.entry import Result, load, perform
from tqcli.process.sources import Sources
from tqcli.process.surroundings import Surroundings, has_unread, identify

TYPE_CHECKING = False  # `typing` costs a worker's start 5 ms
if TYPE_CHECKING:
    from typing import Any

    from tqcli.process.loop import Loop

OUT_OF_THE_WAY_FD = 200
"""A job's own descriptors begin at 3, as in a process of its own."""
LOOK_AT_MEMORY_EVERY = 16
"""Of short jobs, which can't take much each; after a longer one the look costs nothing."""
SHORT_NS = 1_000_000
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
CMSG_BYTES = _socket.CMSG_SPACE(worker_wire.MAX_FDS * 4)
FORGOTTEN = ("resource", "fcntl", "termios")
"""Modules that tq needs and a job's directory may have too, under names that are good ones for many things."""


def main() -> None:
    """Serve the agent; `argv` is the number of jobs and the bytes of memory after which this worker ends."""
    most_jobs, most_bytes = int(sys.argv[1]), int(sys.argv[2])
    tree.prctl(tree.PR_SET_CHILD_SUBREAPER, 1)  # so that whatever a job leaves behind is a child of this process
    tree.prctl(tree.PR_SET_NAME, b"tq-worker")
    down = _socket.socket(fileno=move_away(worker_wire.DOWN_FD))
    up = _socket.socket(fileno=move_away(worker_wire.UP_FD))
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)  # whoever follows the job sees a line when it is printed
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - pathlib costs a worker's start 8 ms
    for name in FORGOTTEN:
        del sys.modules[name]
    Worker(down, up, most_jobs=most_jobs, most_bytes=most_bytes).serve()


class Worker:
    """Takes jobs from a socket, runs them and tells their ends."""

    def __init__(self, down: _socket.socket, up: _socket.socket, *, most_jobs: int, most_bytes: int) -> None:
        self._down = down
        self._up = up
        self._up_is = identify(up.fileno())
        self._pid = os.getpid()
        self._directory = os.getcwd()  # noqa: PTH109 - as above
        self._jobs_left = most_jobs
        self._most_bytes = most_bytes
        self._statm = move_away(os.open("/proc/self/statm", os.O_RDONLY))
        self._loaded: set[str] = set()
        self._loop: Loop | None = None
        self._tired = False
        self._began_ns = 0
        self._sources = Sources()
        self._surroundings = Surroundings((down.fileno(), up.fileno(), self._statm))

    def serve(self) -> None:
        """Run jobs until there will be none any more, or this process is not good for another one."""
        while packet_and_fds := self._receive():
            number, flags, entrypoint, variables, args = worker_wire.decode_call(packet_and_fds[0])
            fds = packet_and_fds[1]
            if not self._is_current():
                self._tell(worker_wire.RETURNED, number, 0, b"")
                return
            stdin = fds.pop(0) if flags & worker_wire.HAS_STDIN else None
            if flags & worker_wire.HAS_OVERFLOW:
                args = read_all(fds.pop(0))
            self._surroundings.enter(variables, stdin)
            sys.argv = [entrypoint]
            code, body = self._run(entrypoint, args)
            if os.getpid() != self._pid:
                sys.exit(code)  # a copy that the job forked, and let return
            if not self._surroundings.leave() or has_children():
                self._tell_last(number, code, body)
                sys.exit(code)
            kind = worker_wire.RETIRED if self._should_retire() else worker_wire.DONE
            self._tell(kind, number, code, body)
            if kind == worker_wire.RETIRED:
                return

    def _receive(self) -> tuple[bytes, list[int]] | None:
        """Return the next call with its descriptors; None: there will be none."""
        if not self._down.recv(1, _socket.MSG_PEEK):  # whoever is killed while waiting has taken nothing
            return None
        packet, ancillary, _, _ = self._down.recvmsg(worker_wire.PACKET_BYTES, CMSG_BYTES, _socket.MSG_CMSG_CLOEXEC)
        return packet, memoryview(ancillary[0][2]).cast("i").tolist() if ancillary else []

    def _is_current(self) -> bool:
        """Return whether what is loaded is what the directory has; go there, by its name: it may be a new one."""
        try:
            os.chdir(self._directory)
        except OSError:
            return False
        return self._sources.unchanged()

    def _run(self, entrypoint: str, args: bytes) -> tuple[int, bytes]:
        """Run a job; return what would be the exit code of a process of its own, and its result."""
        result = Kept()
        self._began_ns = time.time_ns()
        try:
            copy_context().run(perform, entrypoint, args, result, self._call)
        except SystemExit as ending:
            return exit_code(ending), result.body
        except Exception:  # noqa: BLE001 - it has closed stderr, where its error was to be told
            return 1, result.body
        return 0, result.body

    def _call(self, entrypoint: str, args: list[Any], kwargs: dict[str, Any]) -> object:
        """Return what the function returns; coroutines of all jobs run in one event loop."""
        try:
            function = load(entrypoint)
            if entrypoint not in self._loaded:
                self._loaded.add(entrypoint)
                self._tired |= not self._sources.note(self._began_ns)
                self._surroundings.adopt()
            value: object = function(*args, **kwargs)
            if isinstance(value, types.CoroutineType):
                return self._run_coroutine(value)
        except MemoryError:
            self._tired = True
            raise
        else:
            return value

    def _run_coroutine(self, coroutine: types.CoroutineType[Any, Any, Any]) -> object:
        if self._loop is None:
            from tqcli.process.loop import Loop  # noqa: PLC0415 - 40 ms that most functions don't need

            self._loop = Loop()
        return self._loop.run(coroutine)

    def _should_retire(self) -> bool:
        self._jobs_left -= 1
        self._tired |= not self._sources.note(self._began_ns)
        if self._tired or self._jobs_left <= 0 or self._surroundings.leaky():
            return True
        if self._jobs_left % LOOK_AT_MEMORY_EVERY and time.time_ns() - self._began_ns < SHORT_NS:
            return False
        return int(os.pread(self._statm, 64, 0).split()[1]) * PAGE_BYTES > self._most_bytes

    def _tell(self, kind: bytes, number: int, code: int, body: bytes) -> None:
        self._up.sendall(worker_wire.encode_end(kind, number, code, body, unread=has_unread(1) or has_unread(2)))

    def _tell_last(self, number: int, code: int, body: bytes) -> None:
        """Tell that this process ends with its job, where the job has left a way to tell it."""
        if identify(self._up.fileno()) != self._up_is:
            os._exit(1)
        self._up.sendall(worker_wire.encode_end(worker_wire.LAST, number, code, body, unread=True))


class Kept(Result):
    """A result that is kept, to be sent."""

    def __init__(self) -> None:
        self.body = b""

    def write(self, body: bytes) -> None:
        """Keep it."""
        self.body = body


def exit_code(ending: SystemExit) -> int:
    """Return the exit code of a program that ends so; text goes to stderr, as Python has it."""
    code = ending.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)  # noqa: T201
    return 1


def has_children() -> bool:
    """Return whether a child runs; those that have ended are waited for."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def move_away(fd: int) -> int:
    """Return a descriptor for the same, out of the way and out of the reach of whatever a job starts."""
    try:
        away = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, OUT_OF_THE_WAY_FD)
    except OSError:  # so few are allowed
        os.set_inheritable(fd, False)  # noqa: FBT003
        return fd
    os.close(fd)
    return away


def read_all(fd: int) -> bytes:
    """Return a file, and close it."""
    with open(fd, "rb") as file:
        return file.read()
