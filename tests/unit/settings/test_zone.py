"""The zone of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tqcli.errors import SettingsError
from tqcli.settings.zone import machine_zone

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty /etc, with no word of `TZ`."""
    monkeypatch.delenv("TZ", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (":Asia/Tokyo", "Asia/Tokyo"),
        ("", "UTC"),
        ("/usr/share/zoneinfo/America/Lima", "America/Lima"),
        ("CST6CDT", "CST6CDT"),
    ],
)
def test_variable_comes_first(etc: Path, monkeypatch: pytest.MonkeyPatch, value: str, name: str) -> None:
    """As tzset(3) reads it."""
    (etc / "timezone").write_text("Europe/Paris\n")
    monkeypatch.setenv("TZ", value)
    assert machine_zone(etc) == name


@pytest.mark.parametrize("value", ["CET-1CEST,M3.5.0,M10.5.0/3", "UTC0", "Mars/Base", "../etc/passwd", "/etc/passwd"])
def test_variable_without_a_name_is_a_wrong_setting(etc: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """Rules of its own can't be kept by name."""
    monkeypatch.setenv("TZ", value)
    with pytest.raises(SettingsError, match="TZ is") as refused:
        machine_zone(etc)
    assert "--tz" in (refused.value.hint or "")


def test_link_says_the_name(etc: Path) -> None:
    """The C library reads what it points at, so an old /etc/timezone does not count."""
    (etc / "timezone").write_text("Europe/Paris\n")
    (etc / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert machine_zone(etc) == "Europe/Berlin"


def test_copies_of_the_zones_have_the_same_names(etc: Path) -> None:
    """Some systems link to those below `posix`."""
    (etc / "zoneinfo" / "posix" / "Europe").mkdir(parents=True)
    (etc / "zoneinfo" / "posix" / "Europe" / "Berlin").write_bytes(b"TZif2")
    (etc / "localtime").symlink_to(etc / "zoneinfo" / "posix" / "Europe" / "Berlin")
    assert machine_zone(etc) == "Europe/Berlin"


def test_copy_has_its_name_in_a_file(etc: Path) -> None:
    """Where /etc/localtime is no link."""
    (etc / "localtime").write_bytes(b"TZif2")
    assert machine_zone(etc) == "UTC"
    (etc / "timezone").write_text("Europe/Paris\n")
    assert machine_zone(etc) == "Europe/Paris"
