"""The time zone of this machine, by its IANA name: what `TZ` says, else where /etc/localtime points, else UTC."""

from __future__ import annotations

import os
from pathlib import Path

from tqcli.core.names import quote
from tqcli.errors import SettingsError

UTC = "UTC"
_FOLDER = "zoneinfo/"
_ETC = Path("/etc")
_NAMES = {"": UTC, "Etc/UTC": UTC, "Etc/UCT": UTC, "Etc/Zulu": UTC, "UCT": UTC, "Zulu": UTC, "Universal": UTC}
"""Others for the same zone, one of which most servers have."""


def machine_zone(etc: Path = _ETC) -> str:
    """Return the name of the zone that times are meant in where nobody names one.

    `etc` has `localtime`, a link into the zone database, as the C library reads it; where it is a copy, `timezone` may
    have the name. Source: tzset(3), localtime(5).

    Raises:
        SettingsError: `TZ` has rules of its own, such as `CET-1CEST`, for which there is no name.
    """
    if (text := os.environ.get("TZ")) is not None:
        return _read_variable(text.removeprefix(":"))
    localtime = etc / "localtime"
    if name := _name_in(str(localtime.resolve())) if localtime.is_symlink() else None:
        return _NAMES.get(name, name)
    try:
        name = (etc / "timezone").read_text().strip()
        return _NAMES.get(name, name)
    except (OSError, UnicodeDecodeError):
        return UTC


def _read_variable(text: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - few machines say it so

    name = (_name_in(os.path.realpath(text)) or text) if text.startswith("/") else text or UTC
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"TZ is {quote(text)}, which is no zone's name"
        raise SettingsError(msg, hint="name one, as in --tz Europe/Berlin, or set TZ so") from error
    return name


def _name_in(path: str) -> str | None:
    """Return the name of the zone whose file this is."""
    _, folder, name = path.rpartition(_FOLDER)
    return name.removeprefix("posix/") if folder else None
