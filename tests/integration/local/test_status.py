"""Reading `server.json` while its writer replaces it."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

import msgspec
import pytest

from tqcli.local.notice import Notice
from tqcli.local.status import LocalStatus, read_status

if TYPE_CHECKING:
    from pathlib import Path

_STATUS = LocalStatus(
    servers=("nats://127.0.0.1:1",),
    user="tq",
    password="",
    version="2.15.1",
    sync="always",
    keeper_pid=1,
    server_pid=2,
    agent=False,
    agent_pid=None,
    slots=None,
    kept=False,
    started_at=0.0,
)

FACTS = msgspec.json.decode(msgspec.json.encode(_STATUS))


@pytest.fixture
def notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notice:
    """Return a keeper's side of the file."""
    monkeypatch.chdir(tmp_path)
    return Notice()


def test_what_is_published_is_read(notice: Notice, tmp_path: Path) -> None:
    """Field by field."""
    assert read_status(tmp_path) is None
    notice.publish(FACTS)
    assert read_status(tmp_path) == _STATUS


def test_retracted_notice_is_gone(notice: Notice, tmp_path: Path) -> None:
    """Twice is harmless."""
    notice.publish(FACTS)
    notice.retract()
    notice.retract()
    assert read_status(tmp_path) is None


def test_reader_never_misses_a_notice_that_is_being_replaced(notice: Notice, tmp_path: Path) -> None:
    """Whichever moment it comes."""
    notice.publish(FACTS)
    over = Event()

    def replace() -> None:
        while not over.is_set():
            notice.publish(FACTS)

    writer = Thread(target=replace)
    writer.start()
    try:
        assert all(read_status(tmp_path) is not None for _ in range(3000))
    finally:
        over.set()
        writer.join()


def test_notice_of_a_dead_writer_says_nothing(tmp_path: Path) -> None:
    """Nobody has it locked."""
    (tmp_path / "server.json").write_bytes(msgspec.json.encode(_STATUS))
    assert read_status(tmp_path) is None
