"""Files and folders of one user: private, replaced whole or not at all."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from tqcli.errors import SettingsError, TqError, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
_OTHERS_WRITE = 0o022
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def ensure_folder(path: Path, *, variable: str) -> Path:
    """Return the folder, created for this user alone where it is missing; `variable` names another one.

    An older folder keeps its mode: it may be anything that the variable points at.

    Raises:
        SettingsError: it can't be created, isn't this user's, or others may write in it.
        Unavailable: the disk is full.
    """
    try:
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        info = path.stat()
    except OSError as error:
        raise refuse_folder(path, error, variable=variable) from error
    if info.st_uid != os.geteuid():
        msg = f"the folder {path} belongs to another user (uid {info.st_uid})"
        raise SettingsError(msg, hint=f"set {variable} to a folder of your own")
    if info.st_mode & _OTHERS_WRITE:
        msg = f"other users may write in the folder {path}"
        raise SettingsError(msg, hint=f"chmod go-w {path}")
    return path


def refuse_folder(path: Path, error: OSError, *, variable: str) -> TqError:
    """Return the error to raise where the folder can't be used."""
    if error.errno in _NO_SPACE:
        return Unavailable(f"no space is left on the disk of {path}", hint="free some space and try again")
    msg = f"the folder {path} can't be used: {error.strerror or error}"
    return SettingsError(msg, hint=f"make it writable for you, or set {variable} to another folder")


def replace_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write `data`, readable by this user only, in one step: readers see the old file or the new one.

    A symbolic link stays one; the file that it names is replaced. With `durable` it survives a power cut.
    """
    target = path.resolve()
    draft = target.with_name(f".{target.name}.{os.urandom(6).hex()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with open(fd, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(data)
            file.flush()
            if durable:
                os.fsync(fd)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
