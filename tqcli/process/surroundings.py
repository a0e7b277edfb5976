"""What of a process a job may change behind the next one's back, and whether it did.

Every job passes here before and after, so it is written for speed: 15 µs in all.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` makes an enum of every answer
import _thread
import fcntl
import os
import resource
import sys
import termios

SIGNALS = (
    *(_signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGUSR1, _signal.SIGUSR2, _signal.SIGPIPE),
    *(_signal.SIGALRM, _signal.SIGTERM, _signal.SIGCHLD),
)
LIMITS = (
    *(resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_DATA, resource.RLIMIT_FSIZE),
    *(resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_STACK),
)
TIMERS = (_signal.ITIMER_REAL, _signal.ITIMER_VIRTUAL, _signal.ITIMER_PROF)
LEAKED_FDS = 100
"""A worker that has so many descriptors more than it began with is not for the next job."""


class Surroundings:
    """The state in which each job shall find the process. `fds` are the worker's own descriptors."""

    def __init__(self, fds: tuple[int, ...]) -> None:
        """What is now is what shall be."""
        self._fds = (1, 2, *fds)
        self._free_fd = free_fd()
        # `os.environ` decodes whatever is asked of it; what lies below can be compared in a microsecond.
        self._data: dict[bytes, bytes] = getattr(os.environ, "_data")  # noqa: B009 - it is private
        self._variables: dict[str, str] = {}
        self._stdin = sys.stdin
        self._stdin_is = identify(0)
        self.adopt()

    def adopt(self) -> None:
        """Take what is now for what shall be: a module that is imported may set up what it needs, once."""
        self._state = self._look()
        self._environ = dict(self._data)

    def enter(self, variables: dict[str, str], stdin: int | None) -> None:
        """Give the next job its variables and its standard input, and else the environment as it shall be."""
        if self._data != self._environ:
            self._restore_environ()
        if variables != self._variables:
            for name in self._variables.keys() - variables.keys():
                del os.environ[name]
            for name, value in variables.items():
                if self._variables.get(name) != value:
                    os.environ[name] = value
            self._variables = variables
            self._environ = dict(self._data)
        if stdin is not None:
            os.dup2(stdin, 0)
            os.close(stdin)
            sys.stdin = open(0, encoding=self._stdin.encoding, errors=self._stdin.errors, closefd=False)  # noqa: SIM115

    def leave(self) -> bool:
        """Return whether all is as it shall be, but for what can be set right, or does no harm (see `leaky`)."""
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (AttributeError, ValueError, OSError):  # gone, or closed
            return False
        if identify(0) != self._stdin_is:
            reopen_stdin()
        sys.stdin = self._stdin
        return self._look() == self._state and not self._stdin.closed

    def leaky(self) -> bool:
        """Return whether jobs have left many descriptors open."""
        return free_fd() > self._free_fd + LEAKED_FDS

    def _restore_environ(self) -> None:
        for key in self._data.keys() - self._environ.keys():
            del os.environb[key]
        for name, value in self._environ.items():
            if self._data.get(name) != value:
                os.environb[name] = value

    def _look(self) -> tuple[object, ...]:
        umask = os.umask(0o77)
        os.umask(umask)
        return (
            umask,
            _thread._count(),  # noqa: SLF001 - public in all but name; `threading` need not be loaded
            [identify(fd) for fd in self._fds],
            [_signal.getsignal(number) for number in SIGNALS],
            _signal.pthread_sigmask(_signal.SIG_BLOCK, ()),
            [_signal.getitimer(timer) for timer in TIMERS],
            [resource.getrlimit(limit) for limit in LIMITS],
            (os.getresuid(), os.getresgid(), os.getpriority(os.PRIO_PROCESS, 0)),
            (sys.stdout, sys.stderr, sys.gettrace(), sys.getprofile()),
            (sys.stdout.closed, sys.stderr.closed),
        )


def identify(fd: int) -> tuple[int, int] | None:
    """Return what a descriptor leads to; None where it is closed."""
    try:
        stat = os.fstat(fd)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def reopen_stdin() -> None:
    """Let descriptor 0, which may be closed, lead to nothing."""
    null = os.open(os.devnull, os.O_RDONLY)
    if null == 0:
        os.set_inheritable(null, True)  # noqa: FBT003
    else:
        os.dup2(null, 0)
        os.close(null)


def free_fd() -> int:
    """Return the lowest descriptor that is free."""
    fd = os.dup(0)
    os.close(fd)
    return fd


def has_unread(fd: int) -> bool:
    """Return whether a pipe holds bytes; `fd` may be either end. Source: FIONREAD in pipe(7)."""
    return fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0") != b"\0\0\0\0"
