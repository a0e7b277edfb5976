"""`jobs.backup` on real directories and real archives."""

from __future__ import annotations

import hashlib
import io
import os
import random
import socket
import subprocess
import tarfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs._archive import Contents, check_members, find_entries, read_archive
from jobs._atomic import replace_file
from jobs._retention import Retention, choose_kept
from jobs.backup import BackupError, create, restore, verify
from tests.jobs.full_disk import limit_file_size

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a directory with all that a directory may hold."""
    root = tmp_path / "wiki"
    (root / "pages" / "deep").mkdir(parents=True)
    (root / "pages" / "start.md").write_text("# Start\n")
    (root / "pages" / "deep" / "größe 日本.md").write_text("name beyond ASCII\n")
    (root / "pages" / "deep" / "cache.tmp").write_text("temporary\n")
    (root / "empty").mkdir()
    (root / "random.bin").write_bytes(random.Random(1).randbytes(300_000))  # noqa: S311 -- incompressible, that is all
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o751)
    (root / "link").symlink_to("pages/start.md")
    (root / "abroad").symlink_to("/etc/hostname")
    (root / "dangling").symlink_to("nowhere")
    (root / "twin").hardlink_to(root / "run.sh")
    os.utime(root / "pages" / "start.md", (1_700_000_000, 1_700_000_000))
    (root / "pages").chmod(0o750)
    return root


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return an empty directory for archives."""
    path = tmp_path / "backups"
    path.mkdir()
    return path


def describe(root: Path) -> dict[str, tuple[object, ...]]:
    """Return all that a backup must bring back: kinds, modes, times, links and bytes by path."""
    found: dict[str, tuple[object, ...]] = {}
    for path in find_entries(root):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(root))] = (status.st_mode, int(status.st_mtime), status.st_nlink, content)
    return found


def make_older(archive: str, *, days: float) -> Path:
    """Rename an archive and its checksum file as if it had been made that long ago; return its new path."""
    old = Path(archive)
    stamp = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y%m%dT%H%M%SZ")
    new = old.with_name(f"{old.name.split('-')[0]}-{stamp}.tar.gz")
    old.rename(new)
    checksum = old.with_name(f"{old.name}.sha256")
    checksum.with_name(f"{new.name}.sha256").write_text(checksum.read_text().replace(old.name, new.name))
    checksum.unlink()
    return new


@contextmanager
def made_unreadable(path: Path) -> Iterator[None]:
    """Put a directory loop of links in place of nothing: reading it fails for root too."""
    path.symlink_to(path.name)
    yield


@pytest.mark.parametrize("compression", ["gz", "xz"])
def test_what_was_backed_up_comes_back(source: Path, target: Path, tmp_path: Path, compression: str) -> None:
    """Bytes, modes, times, empty directories and links of every kind, dangling ones included."""
    backup = create(str(source), str(target), compression=compression)
    restored = restore(backup["path"], str(tmp_path / "back"))
    assert describe(tmp_path / "back") == describe(source)
    assert restored == {"path": str(tmp_path / "back"), "files": backup["files"], "verified": True}
    assert (tmp_path / "back" / "run.sh").samefile(tmp_path / "back" / "twin")


def test_result_says_what_was_made(source: Path, target: Path) -> None:
    """Counts, sizes and checksum are those of the archive, which is named after source and time."""
    before = datetime.now(UTC).replace(microsecond=0)
    backup = create(str(source), str(target))
    path = Path(backup["path"])
    assert path.parent == target
    assert before <= datetime.strptime(path.name, "wiki-%Y%m%dT%H%M%SZ.tar.gz").replace(tzinfo=UTC)
    assert backup["files"] == 6
    assert backup["archive_bytes"] == path.stat().st_size
    assert backup["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert backup["removed"] == []
    assert sorted(entry.name for entry in target.iterdir()) == [path.name, f"{path.name}.sha256"]


def test_other_tools_can_check_and_unpack_it(source: Path, target: Path, tmp_path: Path) -> None:
    """The day it is needed, tq may not be there: `sha256sum -c` and `tar -x` must do."""
    backup = create(str(source), str(target))
    subprocess.run(["sha256sum", "-c", f"{backup['path']}.sha256"], cwd=target, check=True)
    (tmp_path / "back").mkdir()
    subprocess.run(["tar", "-xpzf", backup["path"], "-C", str(tmp_path / "back")], check=True)
    assert describe(tmp_path / "back") == describe(source)


@pytest.mark.parametrize(
    ("exclude", "left_out"),
    [
        ("*.tmp", {"pages/deep/cache.tmp"}),
        (["deep", "*.bin"], {"pages/deep", "pages/deep/cache.tmp", "pages/deep/größe 日本.md", "random.bin"}),
        ("pages/*", {"pages/deep", "pages/deep/cache.tmp", "pages/deep/größe 日本.md", "pages/start.md"}),
        ("deep/*", set()),
    ],
)
def test_exclude_leaves_out_what_matches(
    source: Path, target: Path, tmp_path: Path, exclude: str | list[str], left_out: set[str]
) -> None:
    """A pattern without slash is for names at any depth, one with a slash for paths from the source on."""
    backup = create(str(source), str(target), exclude=exclude)
    restore(backup["path"], str(tmp_path / "back"))
    assert set(describe(source)) - set(describe(tmp_path / "back")) == left_out


def test_sockets_and_pipes_are_left_out(source: Path, target: Path, tmp_path: Path) -> None:
    """There is nothing in them to keep, and reading a pipe would wait for ever."""
    everything = set(describe(source))
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(os.path.relpath(source / "socket"))
        backup = create(str(source), str(target))
    restore(backup["path"], str(tmp_path / "back"))
    assert set(describe(tmp_path / "back")) == everything


def test_name_that_is_no_utf8_comes_back(source: Path, target: Path, tmp_path: Path) -> None:
    """Names are bytes, and old ones are in old encodings."""
    name = b"gr\xf6\xdfe"
    Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_text("x")
    restore(create(str(source), str(target))["path"], str(tmp_path / "back"))
    assert name in os.listdir(os.fsencode(tmp_path / "back"))


def test_target_inside_the_source_is_refused(source: Path) -> None:
    """Each backup would hold those before it; a symbolic link does not hide that."""
    (source.parent / "elsewhere").symlink_to(source / "empty")
    for target in (source, source / "pages", source.parent / "elsewhere"):
        with pytest.raises(BackupError, match=r"is inside the source .*wiki"):
            create(str(source), str(target))


@pytest.mark.parametrize("exclude", [[], ["*"]])
def test_source_without_files_is_refused(target: Path, tmp_path: Path, exclude: list[str]) -> None:
    """So looks a volume that is not mounted, or a pattern that matches everything; good backups stay."""
    empty = tmp_path / "wiki"
    empty.mkdir()
    if exclude:
        (empty / "page").write_text("x")
    older = target / "wiki-20200101T000000Z.tar.gz"
    older.write_bytes(b"good")
    with pytest.raises(BackupError, match="holds no file to back up; is its volume mounted"):
        create(str(empty), str(target), exclude=exclude, keep_last=1)
    assert list(target.iterdir()) == [older]


def test_missing_directories_are_named(source: Path, tmp_path: Path) -> None:
    """Neither is created: a missing target may be a volume that is not mounted."""
    with pytest.raises(BackupError, match=r"the source .*gone is not a directory"):
        create(str(tmp_path / "gone"), str(tmp_path))
    with pytest.raises(BackupError, match=r"the target .*gone is not a directory; create it, or mount"):
        create(str(source), str(tmp_path / "gone"))


def test_full_disk_leaves_no_archive(source: Path, target: Path) -> None:
    """What does not fit is removed, and older backups stay."""
    older = target / "wiki-20200101T000000Z.tar.gz"
    older.write_bytes(b"good")
    with pytest.raises(OSError, match="File too large"), limit_file_size(100_000):
        create(str(source), str(target), keep_last=1)
    assert list(target.iterdir()) == [older]


def test_second_run_at_the_same_time_is_told(source: Path, target: Path) -> None:
    """Two runs of one set don't write one file, and don't rotate under each other."""
    with replace_file(target / "x", partial=target / ".wiki.partial"):
        with pytest.raises(BlockingIOError, match="another run is writing this file"):
            create(str(source), str(target))
        create(str(source), str(target), name="another-set")


def test_archive_that_is_not_what_was_read_is_no_backup() -> None:
    """A bit that flipped on its way to the disk is found while the source is still there."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        member = tarfile.TarInfo("page")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"text"))
    file.seek(0)
    right = read_archive(file)
    with pytest.raises(BackupError, match="what was written is not what was read"):
        verify(file, right._replace(digest="0" * 64))  # type: ignore[arg-type]  # any seekable file does
    file.getbuffer()[20] ^= 0xFF
    with pytest.raises(BackupError, match="what was written can't be read back"):
        verify(file, right)  # type: ignore[arg-type]


def test_unreadable_file_fails_the_backup(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup that silently misses a file is none."""
    open_file = Path.open

    def refuse(path: Path, *arguments: str) -> object:
        if path.name == "start.md":
            raise PermissionError(13, "Permission denied", str(path))
        return open_file(path, *arguments)

    monkeypatch.setattr(Path, "open", refuse)  # root, who may run the tests, can read everything
    with pytest.raises(PermissionError, match=r"start\.md"):
        create(str(source), str(target))
    assert list(target.iterdir()) == []
