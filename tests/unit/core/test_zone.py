"""Time zones by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tqcli.core.zone import find_zone
from tqcli.errors import InvalidInput


def test_zone_is_found() -> None:
    """A zone knows its offset at each instant."""
    zone = find_zone("Europe/Berlin")
    assert datetime(2026, 7, 1, tzinfo=UTC).astimezone(zone).utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("US/New_York", "America/New_York"),
        ("Asia/Calcuta", "Asia/Calcutta"),
        ("utc", "UTC"),
        ("Asia/Osaka", None),
    ],
)
def test_unknown_zone_suggests_a_near_one(name: str, near: str | None) -> None:
    """Other letters, a city alone, or a slip of the fingers."""
    with pytest.raises(InvalidInput, match="there is no time zone") as caught:
        find_zone(name)
    assert caught.value.hint is not None
    if near is not None:
        assert caught.value.hint == f"did you mean {near!r}?"


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", ".", "..", "/etc/passwd", "../../../etc/passwd", "Europe", "Europe/", "zone.tab", "a\0b", "Zürich"),
        *("localtime", "posixrules", "Factory", "right/UTC", "posix/UTC", "x" * 10_000, "\ud800", "+02:00"),
    ],
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    """No path is followed, nothing means what each host says, and the message stays short."""
    with pytest.raises(InvalidInput) as caught:
        find_zone(name)
    assert caught.value.hint
    assert len(caught.value.message) < 100
