"""Output that waits for the broker."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tqcli.agent import spool as module
from tqcli.agent.spool import Block, Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

MEBIBYTE = 1024 * 1024


def take_all(spool: Spool) -> Iterator[Block]:
    """Yield blocks until there is none."""
    while (block := spool.get()) is not None:
        yield block


def nameless_files() -> list[Path]:
    """Return where this process has files open that have no name."""
    return [entry for entry in Path("/proc/self/fd").iterdir() if _target(entry).endswith(" (deleted)")]


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # the descriptor that lists the folder
        return ""


@given(st.lists(st.none() | st.integers(min_value=1, max_value=400_000), max_size=40))
def test_blocks_come_out_as_they_went_in(steps: list[int | None]) -> None:
    """In their order, however putting (a size) and getting (None) take turns, in memory or beyond."""
    spool, expected = Spool(), list[Block]()
    for number, size in enumerate(steps):
        if size is None:
            assert spool.get() == (expected.pop(0) if expected else None)
        else:
            block = Block(number, size, bytes([number]) * size)
            assert spool.put(block)
            expected.append(block)
    assert list(take_all(spool)) == expected


def test_file_is_private_nameless_and_gone_with_the_last_block() -> None:
    """What does not fit into memory is on disk, for us alone."""
    before = set(nameless_files())
    spool = Spool()
    for _ in range(3):
        assert spool.put(Block(0, MEBIBYTE, b"x" * MEBIBYTE))
    (file,) = set(nameless_files()) - before
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(list(take_all(spool))) == 3
    assert set(nameless_files()) == before


def test_there_is_no_room_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken in before is kept."""
    monkeypatch.setattr(module, "DISK_BYTES", 2 * MEBIBYTE)
    spool = Spool()
    blocks = [Block(number, MEBIBYTE, bytes([number]) * MEBIBYTE) for number in range(4)]
    assert [spool.put(block) for block in blocks] == [True, True, True, False]
    assert list(take_all(spool)) == blocks[:3]
    assert spool.put(blocks[3])


def test_a_full_disk_is_no_room() -> None:
    """The file can't grow: what it has is kept, and nothing is raised."""
    spool = Spool()
    blocks = [Block(number, MEBIBYTE, bytes([number]) * MEBIBYTE) for number in range(4)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEBIBYTE * 3 // 2, hard))
    try:
        assert [spool.put(block) for block in blocks] == [True, True, False, False]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(take_all(spool)) == blocks[:2]


def test_no_place_for_a_file_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a `TMPDIR` that is gone: memory is left."""
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    spool = Spool()
    blocks = [Block(number, MEBIBYTE, bytes([number]) * MEBIBYTE) for number in range(2)]
    assert [spool.put(block) for block in blocks] == [True, False]
    assert list(take_all(spool)) == blocks[:1]
