"""Time zones by their IANA names."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tqcli.core.names import quote
from tqcli.core.nearest import nearest
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_NO_ZONES = ("localtime", "posixrules", "Factory")
"""Files beside the zones: the first two mean what each host says."""

_NO_FOLDERS = ("posix/", "right/")
"""Copies of all zones; those under `right` count leap seconds, which no clock of tq does."""


@lru_cache(maxsize=64)
def find_zone(name: str) -> ZoneInfo:
    """Return the zone of this name, such as `Europe/Berlin`. Python itself keeps eight of them.

    The host's zone files come first, and those of the package tzdata where it has none.

    Raises:
        InvalidInput: there is none of this name; the hint has a near one.
    """
    import zoneinfo  # noqa: PLC0415 - only a schedule with a zone needs it, and a submit loads this module

    if name not in _NO_ZONES and not name.startswith(_NO_FOLDERS) and name.isascii():
        try:
            return zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            pass
    msg = f"there is no time zone {quote(name)}"
    raise InvalidInput(msg, hint=_suggest(name, zoneinfo.available_timezones()))


def _suggest(name: str, known: set[str]) -> str:
    """Return a hint: the zone with the same letters, with that city, or one that looks like it."""
    zones = sorted(zone for zone in known if zone not in _NO_ZONES)
    wanted = name.strip().replace(" ", "_").lower()
    by_lower = {zone.lower(): zone for zone in zones}
    by_city = {zone.lower().rpartition("/")[2]: zone for zone in reversed(zones)}
    found = by_lower.get(wanted) or by_city.get(wanted)
    if found is None:
        near = nearest(wanted, by_lower)
        found = by_lower[near] if near is not None else None
    if found is None:
        near = nearest(wanted.rpartition("/")[2], by_city)
        found = by_city[near] if near is not None else None
    if found is None:
        return "zones are named as in Europe/Berlin, America/New_York, UTC"
    return f"did you mean {found!r}?"
