"""Starting a command as a shell would: the directory, the search along PATH, and the words for what goes wrong."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False  # `typing` costs a runner's start 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

DEFAULT_PATH = b"/usr/local/bin:/usr/bin:/bin"
SHELL = b"/bin/sh"
SCRIPT_BYTES = 256
"""A file without a magic number is a shell script where its beginning holds no NUL: the rule of bash and of POSIX."""

CANNOT_RUN, NOT_FOUND = 126, 127
HOST_BUSY = 75
"""EX_TEMPFAIL: the host has no process, memory or descriptor left, which says nothing about the command."""
HOST_ERRORS = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)


class NotStartable(Exception):
    """The command could not be started."""

    def __init__(self, code: int, kind: str, message: str) -> None:
        """`code` is what a shell would exit with, or `HOST_BUSY`."""
        super().__init__(message)
        self.code, self.kind, self.message = code, kind, message


def launch(cwd: bytes, argv: list[bytes], env: dict[bytes, bytes], file_actions: list[tuple[int, int, int]]) -> int:
    """Change to `cwd`, start the command as leader of a session of its own and return its process id.

    Raises:
        NotStartable: there is no such directory or program, or it can't be executed.
    """
    try:
        os.chdir(cwd)
    except OSError as error:
        raise NotStartable(CANNOT_RUN, "NoDirectory", f"directory {show(cwd)}: {error.strerror}") from None
    refusal = NotStartable(NOT_FOUND, "NotFound", missing(argv[0]))
    for path in candidates(argv[0], env):
        if not os.access(path, os.F_OK):
            continue
        try:
            return spawn(path, argv, env, file_actions)
        except FileNotFoundError:
            refusal = NotStartable(NOT_FOUND, "NotFound", f"{show(path)} needs an interpreter that does not exist")
        except OSError as error:
            if error.errno in HOST_ERRORS:
                raise NotStartable(HOST_BUSY, "HostBusy", f"no process could be started: {error.strerror}") from None
            refusal = NotStartable(CANNOT_RUN, "NotExecutable", f"{show(path)}: {explain(error)}")
            if error.errno != errno.EACCES:
                break  # as execvp(3): only a file without the right to run it lets the search go on
    raise refusal


def spawn(path: bytes, argv: list[bytes], env: dict[bytes, bytes], file_actions: list[tuple[int, int, int]]) -> int:
    """Start `path`, or `/bin/sh path` where it is a script without a first line that says so."""
    options: dict[str, Any] = {"file_actions": file_actions, "setsid": True, "setsigmask": ()}
    try:
        return os.posix_spawn(path, argv, env, **options)
    except OSError as error:
        if error.errno != errno.ENOEXEC or not is_text(path):
            raise
    return os.posix_spawn(SHELL, [SHELL, path, *argv[1:]], env, **options)


def candidates(name: bytes, env: dict[bytes, bytes]) -> Iterator[bytes]:
    """Return the paths that `name` may mean, in the order of PATH; relative ones are relative to the directory."""
    if b"/" in name:
        yield name
    elif name:
        for directory in env.get(b"PATH", DEFAULT_PATH).split(b":"):
            yield (directory or b".") + b"/" + name


def is_text(path: bytes) -> bool:
    """Return whether the file can be a script: it has no NUL near its beginning."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"\0" not in os.read(fd, SCRIPT_BYTES)
    finally:
        os.close(fd)


def missing(name: bytes) -> str:
    """Return the words for a program that is nowhere."""
    return f"{show(name)} does not exist" if b"/" in name else f"no program {show(name)} in PATH"


def explain(error: OSError) -> str:
    """Return the words for an error of execve(2)."""
    if error.errno == errno.E2BIG:
        return "the arguments and the environment together are too long"
    return str(error.strerror)


def show(word: bytes) -> str:
    """Return a word for a message: quoted, control characters escaped, cut where it is long."""
    text = word[:200].decode("utf-8", "replace")
    return repr(text if len(word) <= 200 else text + "…")  # noqa: PLR2004
