"""The folders of tq: `TQ_CONFIG_DIR` and `TQ_STATE_DIR`, else where the XDG base directory specification puts them."""

from __future__ import annotations

import os
from pathlib import Path

from tqcli.errors import SettingsError
from tqcli.settings.files import ensure_folder

CONFIG_VARIABLE = "TQ_CONFIG_DIR"
STATE_VARIABLE = "TQ_STATE_DIR"


def config_dir() -> Path:
    """Return the folder of the settings, which may not exist yet.

    Raises:
        SettingsError: neither the variables nor the user's home say where it is.
    """
    return _folder(CONFIG_VARIABLE, "XDG_CONFIG_HOME", ".config")


def state_dir() -> Path:
    """Return the folder of the local broker and of what tq remembers, which may not exist yet.

    Raises:
        SettingsError: neither the variables nor the user's home say where it is.
    """
    return _folder(STATE_VARIABLE, "XDG_STATE_HOME", ".local/state")


def ensure_config_dir() -> Path:
    """Return `config_dir()`, created if missing; raises as `ensure_folder`."""
    return ensure_folder(config_dir(), variable=CONFIG_VARIABLE)


def ensure_state_dir() -> Path:
    """Return `state_dir()`, created if missing; raises as `ensure_folder`."""
    return ensure_folder(state_dir(), variable=STATE_VARIABLE)


def _folder(variable: str, xdg_variable: str, xdg_default: str) -> Path:
    if own := os.environ.get(variable):
        # Relative to what? Each command would have a broker of its own, wherever it is called.
        return _absolute(own, variable)
    xdg = os.environ.get(xdg_variable, "")
    # The specification: a relative path is invalid, and to be ignored.
    if xdg.startswith("/"):
        return Path(xdg, "tq")
    return home_dir() / xdg_default / "tq"


def home_dir() -> Path:
    """Return the user's home: `HOME`, or what the system says where that is empty.

    Raises:
        SettingsError: it is none.
    """
    if home := os.environ.get("HOME"):
        return _absolute(home, "HOME")
    from pwd import getpwuid  # noqa: PLC0415 - hardly anybody has no HOME

    try:
        home = getpwuid(os.geteuid()).pw_dir
    except KeyError:
        home = ""
    if home.startswith("/"):
        return Path(home)
    msg = "HOME is not set, and this user has no home folder"
    raise SettingsError(msg, hint=f"set HOME, or {CONFIG_VARIABLE} and {STATE_VARIABLE}")


def _absolute(path: str, variable: str) -> Path:
    if path.startswith("/"):
        return Path(path)
    msg = f"{variable} is {path!r}, which is no absolute path"
    raise SettingsError(msg, hint="it must begin with /")
