"""`jobs.backup` on real directories and real archives."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import random
import re
import socket
import subprocess
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs._archive import ArchiveError, check_members, find_entries, read_archive, write_archive
from jobs._atomic import replace_file
from jobs._retention import Retention, choose_kept
from jobs.backup import BackupError, create, restore, verify
from tests.jobs.full_disk import limit_file_size


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
    (root / "folder").symlink_to("pages")
    (root / "abroad").symlink_to("/etc/hostname")
    (root / "dangling").symlink_to("nowhere")
    (root / "twin").hardlink_to(root / "run.sh")
    (root / "pages").chmod(0o750)
    for age, path in enumerate(find_entries(root)):
        os.utime(path, (1_700_000_000 + age, 1_700_000_000 + age), follow_symlinks=False)
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
        content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
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


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_what_vanishes_meanwhile_is_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory in use is never still. Listing /proc/self/fd opens one more, which is gone once it is listed."""
    with (tmp_path / "x.tar.gz").open("w+b") as file:
        write_archive(Path("/proc/self/fd"), file, compression="gz")
        file.seek(0)
        read_archive(file)
    assert re.search(r"^'/proc/self/fd/\d+' vanished, left out$", capsys.readouterr().out, re.MULTILINE)


def test_name_that_is_no_utf8_comes_back(source: Path, target: Path, tmp_path: Path) -> None:
    """Names are bytes, and old ones are in old encodings."""
    name = b"gr\xf6\xdfe"
    Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_text("x")
    restore(create(str(source), str(target))["path"], str(tmp_path / "back"))
    assert name in {os.fsencode(path.name) for path in (tmp_path / "back").iterdir()}


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


def test_archive_that_is_not_what_was_read_is_no_backup(tmp_path: Path) -> None:
    """A bit that flipped on its way to the disk is found while the source is still there."""
    with (tmp_path / "x.tar.gz").open("w+b") as file:
        with tarfile.open(fileobj=file, mode="w:gz") as tar:
            add_file(tar, "page")
        file.seek(0)
        right = read_archive(file)
        with pytest.raises(BackupError, match="what was written is not what was read"):
            verify(file, right._replace(digest="0" * 64))
        file.seek(60)
        file.write(b"damage")
        with pytest.raises(BackupError, match="what was written can't be read back"):
            verify(file, right)


def test_directory_that_cannot_be_read_fails_the_backup(source: Path, target: Path) -> None:
    """A backup that silently misses something is none; a path of more than 4096 bytes is too long for root, too."""
    here = os.open(source, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=here)
        inner = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    with pytest.raises(OSError, match="File name too long"):
        create(str(source), str(target))
    assert list(target.iterdir()) == []


@pytest.mark.skipif(not Path("/sys/class/net/lo/mtu").exists(), reason="needs Linux's /sys")
def test_file_shorter_than_it_said_fails_the_backup(target: Path) -> None:
    """So looks a file that is cut while it is read; those of /sys say 4096 bytes and have a few."""
    with pytest.raises(OSError, match="unexpected end of data"):
        create("/sys/class/net/lo", str(target), name="lo", exclude=["[!m]*", "m[!t]*"])
    assert list(target.iterdir()) == []


def test_rotation_removes_old_backups_of_this_set_alone(source: Path, target: Path) -> None:
    """Archives go with their checksum files; other sets, other files and names that only look alike stay."""
    old = [make_older(create(str(source), str(target))["path"], days=days) for days in (3, 2, 1)]
    others = [
        target / name
        for name in (
            "wiki-old-20200101T000000Z.tar.gz",
            "wiki-20200101T000000Z.tar.gz.keep",
            "wiki-20209999T000000Z.tar.gz",
            "wiki-2020.tar.gz",
            "wiki",
        )
    ]
    for other in others:
        other.write_bytes(b"somebody's")
    backup = create(str(source), str(target), keep_last=2)
    assert backup["removed"] == [old[0].name, old[1].name]
    kept = [Path(backup["path"]), old[2]]
    assert set(target.iterdir()) == {*others, *kept, *(path.with_name(f"{path.name}.sha256") for path in kept)}


def test_new_backup_stays_though_the_clock_went_wrong(source: Path, target: Path) -> None:
    """Files from the future look newer; what was just made is not removed for that."""
    future = make_older(create(str(source), str(target))["path"], days=-400)
    backup = create(str(source), str(target), keep_last=1)
    assert Path(backup["path"]).exists()
    assert future.exists()


def test_checksum_without_archive_is_removed(source: Path, target: Path) -> None:
    """A run that was killed between the two leaves one; it is no backup, and takes no backup's place."""
    (target / "wiki-20200101T000000Z.tar.gz.sha256").write_text("…")
    old = make_older(create(str(source), str(target))["path"], days=1)
    backup = create(str(source), str(target), keep_last=2)
    assert sorted(path.name for path in target.glob("*.gz")) == [old.name, Path(backup["path"]).name]
    assert not (target / "wiki-20200101T000000Z.tar.gz.sha256").exists()


def test_second_backup_within_one_second_does_not_replace_the_first(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their names would be the same: it is an error, or the next second came."""
    first = create(str(source), str(target))["path"]
    content = Path(first).read_bytes()
    with contextlib.suppress(BackupError):
        assert create(str(source), str(target))["path"] != first
    assert Path(first).read_bytes() == content
    assert "verified: 6 files" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"keep_last": -1}, "keep_last must be a whole number of at least 0, not -1"),
        ({"keep_daily": "7"}, "keep_daily must be a whole number of at least 0, not '7'"),
        ({"keep_weekly": True}, "keep_weekly must be a whole number of at least 0, not True"),
        ({"compression": "zip"}, "compression must be one of gz, xz, not 'zip'"),
        ({"exclude": [1]}, "exclude must be a text or a list of texts"),
        ({"name": "../evil"}, "name must be letters, digits"),
        ({"name": ""}, "name must be letters, digits"),
    ],
)
def test_wrong_argument_is_named(source: Path, target: Path, arguments: dict[str, Any], complaint: str) -> None:
    """Before anything is written."""
    with pytest.raises(ValueError, match=complaint):
        create(str(source), str(target), **arguments)
    assert list(target.iterdir()) == []


def test_damaged_archive_is_not_restored(source: Path, target: Path, tmp_path: Path) -> None:
    """Its checksum is another, or it can't be read; what it would become is not there at all."""
    path = Path(create(str(source), str(target))["path"])
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(BackupError, match="its SHA-256 is not the one in"):
        restore(str(path), str(tmp_path / "back"))
    path.with_name(f"{path.name}.sha256").unlink()
    with pytest.raises(BackupError, match="the archive is damaged"):
        restore(str(path), str(tmp_path / "back"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["backups", "wiki"]


@pytest.mark.parametrize("compression", ["gz", "xz"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "overwritten"])
def test_every_damage_is_called_so(source: Path, target: Path, tmp_path: Path, compression: str, damage: str) -> None:
    """The libraries below raise a dozen exceptions for it; users see one."""
    path = Path(create(str(source), str(target), compression=compression)["path"])
    content = bytearray(path.read_bytes())
    match damage:
        case "cut":
            del content[150_000:]
        case "flipped":
            content[150_000] ^= 0xFF
        case _:
            content[:] = b"no archive at all" * 1000
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content)
    with pytest.raises(BackupError, match=r"damaged: the archive is damaged: ."):
        restore(str(damaged), str(tmp_path / "back"))


def test_archive_without_checksum_is_restored_and_says_so(source: Path, target: Path, tmp_path: Path) -> None:
    """Somebody moved it without its neighbour."""
    path = Path(create(str(source), str(target))["path"]).rename(tmp_path / "moved.tar.gz")
    assert restore(str(path), str(tmp_path / "back"))["verified"] is False


def test_nothing_is_restored_over_existing_files(source: Path, target: Path, tmp_path: Path) -> None:
    """An empty directory is fine, anything else is not touched."""
    path = create(str(source), str(target))["path"]
    (tmp_path / "back").mkdir()
    restore(path, str(tmp_path / "back"))
    for occupied in (tmp_path / "back", source / "run.sh"):
        with pytest.raises(BackupError, match="is not an empty directory: nothing is restored over existing files"):
            restore(path, str(occupied))


def test_full_disk_restores_nothing(source: Path, target: Path, tmp_path: Path) -> None:
    """Half a directory would look like a whole one."""
    path = create(str(source), str(target))["path"]
    with pytest.raises(OSError, match="File too large"), limit_file_size(100_000):
        restore(path, str(tmp_path / "back"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["backups", "wiki"]


def test_missing_archive_is_named(tmp_path: Path) -> None:
    """The message has the path, and no directory appears."""
    with pytest.raises(FileNotFoundError, match=r"gone\.tar\.gz"):
        restore(str(tmp_path / "gone.tar.gz"), str(tmp_path / "back"))
    assert list(tmp_path.iterdir()) == []


def add_file(tar: tarfile.TarFile, name: str, content: bytes = b"text") -> None:
    """Add a file of this name, whatever it is."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def add_link(tar: tarfile.TarFile, name: str, linkname: str, kind: bytes = tarfile.SYMTYPE) -> None:
    """Add a link of this kind."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, linkname
    tar.addfile(member)


@pytest.mark.parametrize("trick", ["absolute", "parent", "through a link", "over a link", "hard link", "device"])
def test_archive_of_a_stranger_writes_nothing_outside(tmp_path: Path, trick: str) -> None:
    """Nor anything inside: all members are looked at before the first is unpacked."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("precious")
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tar:
        add_file(tar, "harmless")
        match trick:
            case "absolute":
                add_file(tar, str(outside / "file"))
            case "parent":
                add_file(tar, "x/../../outside/file")
            case "through a link":
                add_link(tar, "link", str(outside))
                add_file(tar, "link/file")
            case "over a link":
                add_link(tar, "link", str(outside / "file"))
                add_file(tar, "link")
            case "hard link":
                add_link(tar, "link", str(outside / "file"), tarfile.LNKTYPE)
            case _:
                add_link(tar, "device", "", tarfile.CHRTYPE)
    with pytest.raises(BackupError, match="is not safe to unpack"):
        restore(str(tmp_path / "evil.tar.gz"), str(tmp_path / "back"))
    assert (outside / "file").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.tar.gz", "outside"]


def test_hard_link_to_a_link_counts_as_one() -> None:
    """Else a file could be written through the second name."""
    members = []
    for name, kind, linkname in (
        ("link", tarfile.SYMTYPE, "/etc"),
        ("twin", tarfile.LNKTYPE, "link"),
        ("twin/passwd", tarfile.REGTYPE, ""),
    ):
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, linkname
        members.append(member)
    check_members(members[:2])
    with pytest.raises(ArchiveError, match="'twin/passwd' is not safe"):
        check_members(members)


moments = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1))  # noqa: DTZ001 -- all in UTC
retentions = st.builds(Retention, *[st.integers(0, 5)] * 4)


@given(st.sets(moments, min_size=1, max_size=40), retentions)
def test_retention_keeps_the_newest_and_no_more_than_its_rules_allow(made: set[datetime], retention: Retention) -> None:
    """Whatever the rules, the newest backup stays."""
    kept = choose_kept(made, retention)
    assert max(made) in kept
    assert kept <= made
    assert len(kept) <= max(1, sum(retention))


@given(st.sets(moments, min_size=1, max_size=40), retentions)
def test_retention_removes_nothing_more_the_second_time(made: set[datetime], retention: Retention) -> None:
    """A retry right after a rotation changes nothing."""
    kept = choose_kept(made, retention)
    assert choose_kept(kept, retention) == kept


def test_retention_keeps_the_newest_of_each_period() -> None:
    """Two years of three backups a day, by all four rules."""
    start = datetime(2026, 3, 31, 22, tzinfo=UTC)
    made = [start - timedelta(hours=8 * number) for number in range(3 * 730)]
    kept = choose_kept(made, Retention(last=2, daily=3, weekly=3, monthly=3))
    assert sorted(moment.strftime("%m-%d %H") for moment in kept) == [
        "01-31 22",  # monthly
        "02-28 22",  # monthly
        "03-22 22",  # weekly
        "03-29 22",  # weekly and daily
        "03-30 22",  # daily
        "03-31 14",  # last
        "03-31 22",  # all
    ]
