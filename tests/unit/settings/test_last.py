"""What `@last` stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tqcli.settings.last import recall_last, remember_last
from tqcli.settings.paths import state_dir

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_remembered_at_first() -> None:
    """And asking creates nothing."""
    assert recall_last("local") is None
    assert not state_dir().exists()


def test_newest_is_recalled_per_broker() -> None:
    """A job of one broker means nothing to another."""
    remember_last("local", "1xkbbg0000000001")
    remember_last("nats://a:4222", "1xkbbg0000000002")
    remember_last("local", "1xkbbg0000000003")
    assert recall_last("local") == "1xkbbg0000000003"
    assert recall_last("nats://a:4222") == "1xkbbg0000000002"
    assert recall_last("nats://b:4222") is None


@pytest.mark.parametrize("key", ["../../x", "/etc/passwd", ".", "..", "a" * 1000])
def test_key_never_leaves_the_folder(key: str, home: Path) -> None:
    """Whatever a server is called."""
    remember_last(key, "1xkbbg0000000001")
    files = [path for path in home.rglob("*") if path.is_file()]
    assert [path.parent for path in files] == [state_dir() / "last"]
    assert recall_last(key) == "1xkbbg0000000001"


def test_submit_goes_on_where_nothing_can_be_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job was accepted; that is what counts."""
    (home / "file").write_text("")
    monkeypatch.setenv("TQ_STATE_DIR", str(home / "file/tq"))
    remember_last("local", "1xkbbg0000000001")
    assert recall_last("local") is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 1000, b"a\x1b[31m"])
def test_damaged_file_counts_as_none(content: bytes) -> None:
    """It is a convenience, not a record."""
    remember_last("local", "1xkbbg0000000001")
    (state_dir() / "last" / "local.id").write_bytes(content)
    assert recall_last("local") is None
