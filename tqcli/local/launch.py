"""The only place in `local` that starts programs.

A command starts the keeper detached, with `posix_spawn`: it may have threads. The keeper starts its children with fork
and exec, as it has none, because a child must ask for its own death (PDEATHSIG) between the two.
"""

from __future__ import annotations

import fcntl
import os

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_NOT_STARTED = 127
_FD_LIMIT = 1 << 16


def start_keeper(argv: tuple[str, ...], *, ready_fd: int, log_fd: int) -> None:
    """Start a program in the background, its stdout `ready_fd`, its stderr `log_fd`. It must call `detach` first."""
    import signal  # noqa: PLC0415 - the keeper imports this module too, and saves the time

    fixed = {signal.SIGKILL, signal.SIGSTOP}
    # Where the user closed stdout, our own descriptors may be among the first three, and overwrite each other.
    sources = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (ready_fd, log_fd)]
    try:
        pid = os.posix_spawn(
            argv[0],
            argv,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, sources[0], 1),
                (os.POSIX_SPAWN_DUP2, sources[1], 2),
            ],
            setsigmask=(),
            setsigdef=signal.valid_signals() - fixed,
        )
    finally:
        for fd in sources:
            os.close(fd)
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        # The host program reaps children itself.
        return


def detach() -> None:
    """Leave the session, the parent and every open file but the first three."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.closerange(3, _FD_LIMIT)


def start_child(argv: tuple[str, ...], *, log_fd: int, umask: int, keep_fd: int | None = None) -> int:
    """Return the pid of the program, which the kernel kills when this process ends, however it ends.

    It inherits `keep_fd`, and with it that file's lock. A program that can't be started ends with 127 and a line in the
    log. The caller's main thread must be its only one: PDEATHSIG watches the thread that forked.
    """
    import ctypes  # noqa: PLC0415 - commands import this module too, and don't need it

    die_with_parent = ctypes.CDLL(None).prctl
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        die_with_parent(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
        _become(argv, parent=parent, log_fd=log_fd, umask=umask, keep_fd=keep_fd)
    return pid


def _become(argv: tuple[str, ...], *, parent: int, log_fd: int, umask: int, keep_fd: int | None) -> None:
    try:
        # The parent may have died before the kernel knew what to do about it.
        if os.getppid() == parent:
            os.umask(umask)
            os.dup2(log_fd, 1)
            os.dup2(log_fd, 2)
            if keep_fd is not None:
                os.set_inheritable(keep_fd, True)  # noqa: FBT003 - positional only
            os.execv(argv[0], argv)  # noqa: S606 - no shell is what we want
    except OSError as error:
        os.write(2, f"{argv[0]} can't be started: {error.strerror}\n".encode())
    finally:
        os._exit(_NOT_STARTED)
