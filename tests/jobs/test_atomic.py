"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from jobs._atomic import replace_file, write_file
from tests.jobs.full_disk import limit_file_size

if TYPE_CHECKING:
    from pathlib import Path


def test_readers_see_the_old_file_until_the_block_ends(tmp_path: Path) -> None:
    """The new content appears with one rename."""
    target = tmp_path / "report.html"
    target.write_text("old")
    with replace_file(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_exception_leaves_the_old_file_alone(tmp_path: Path) -> None:
    """And nothing else stays behind."""
    target = tmp_path / "report.html"
    target.write_text("old")

    def fail_halfway() -> None:
        with replace_file(target) as file:
            file.write(b"half of the new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_full_disk_leaves_the_old_file_alone(tmp_path: Path) -> None:
    """What could not be written is not there; the error says so."""
    target = tmp_path / "report.html"
    target.write_text("old")
    with pytest.raises(OSError, match="File too large"), limit_file_size(500_000):
        write_file(target, bytes(600_000))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_leftover_of_a_killed_run_is_used_again(tmp_path: Path) -> None:
    """It is longer than what is written now, and none of it stays."""
    (tmp_path / ".report.html.partial").write_text("the killed run's half of a report")
    write_file(tmp_path / "report.html", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "whole"


def test_two_runs_never_mix_their_bytes(tmp_path: Path) -> None:
    """The second one is told, and the first is not disturbed."""
    target = tmp_path / "report.html"
    with replace_file(target) as file:
        file.write(b"first")
        with pytest.raises(BlockingIOError, match=r"another run is writing this file: '.*/\.report\.html\.partial'"):
            write_file(target, b"second")
    assert target.read_text() == "first"


def test_lock_on_a_file_that_got_its_name_meanwhile_is_not_taken(tmp_path: Path) -> None:
    """Threads open the same partial file at the same time; whoever locks it late must not write into the target."""
    target = tmp_path / "report.html"
    write_file(target, b"a" * 50_000)

    def write_often(content: bytes) -> None:
        for _ in range(300):
            with contextlib.suppress(BlockingIOError):
                write_file(target, content)

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write_often, letter * 50_000) for letter in (b"b", b"c", b"d")]
        while not all(writer.done() for writer in writers):
            content = target.read_bytes()
            assert content == content[:1] * 50_000
        for writer in writers:
            writer.result()
    assert list(tmp_path.iterdir()) == [target]


def test_symbolic_link_stays_one(tmp_path: Path) -> None:
    """What it points to is replaced."""
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    real.write_text("old")
    link.symlink_to(real.name)
    write_file(link, b"new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_mode_of_the_old_file_stays(tmp_path: Path) -> None:
    """A report that the web server may read stays so; a new file gets what the umask leaves."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("old")
    old.chmod(0o604)
    mask = os.umask(0o027)
    try:
        write_file(old, b"x")
        write_file(new, b"x")
    finally:
        os.umask(mask)
    assert old.stat().st_mode & 0o777 == 0o604
    assert new.stat().st_mode & 0o777 == 0o640


def test_missing_directory_is_named(tmp_path: Path) -> None:
    """The message has the path."""
    with pytest.raises(FileNotFoundError, match="gone"):
        write_file(tmp_path / "gone" / "report.html", b"x")
