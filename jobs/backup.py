"""Back up a directory into a tar archive, keep the backups that rules name, and restore one.

::

    tq submit -f jobs/backup.toml --arg source=/srv/wiki --arg target_dir=/backup
    tq submit -f jobs/restore.toml --arg archive=/backup/wiki-20260301T020000Z.tar.gz --arg target=/srv/wiki-restored

- **A backup is whole or not there.** It gets its name after it was written, read back and found equal to what had been
  read from the source.
- **It can be checked without tq**: next to each archive is a `.sha256` file for `sha256sum -c`.
- **Old ones go only after a new one is there**, and only files that are named like backups of this set.
- **An empty source is an error.** It is what a volume looks like that was not mounted; its empty backups would push the
  good ones out.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from jobs._archive import COMPRESSIONS, ArchiveError, Contents, read_archive, unpack_archive, write_archive
from jobs._arguments import check_choice, check_whole_number, list_texts
from jobs._atomic import replace_file, write_file
from jobs._progress import say
from jobs._retention import Retention, choose_kept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedRandom, BufferedReader

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class BackupError(Exception):
    """No backup was made, or nothing restored; the message says why."""


class Backup(TypedDict):
    """A new archive, and the names of the `removed` ones."""

    path: str
    files: int
    size_bytes: int
    archive_bytes: int
    sha256: str
    removed: list[str]


class Restored(TypedDict):
    """A directory that came back. `verified` is false where the archive has no `.sha256` file next to it."""

    path: str
    files: int
    verified: bool


def create(  # noqa: PLR0913 -- a job's arguments are the keys of its file
    source: str,
    target_dir: str,
    *,
    name: str | None = None,
    compression: str = "gz",
    exclude: str | Sequence[str] = (),
    keep_last: int = 7,
    keep_daily: int = 0,
    keep_weekly: int = 0,
    keep_monthly: int = 0,
) -> Backup:
    """Back up `source` to `target_dir`/`name`-TIME.tar.gz, remove older backups, and return what was done.

    TIME is in UTC. `name` is that of the source where none is given. `compression` is gz or xz. `exclude` has shell
    patterns: with a slash in it, one is compared with the path relative to `source`, else with the name alone.

    The new backup always stays; and so do the newest `keep_last`, and the newest of each of the last `keep_daily` days,
    `keep_weekly` weeks and `keep_monthly` months that have one.

    Raises:
        ValueError: an argument is wrong.
        BackupError: there is nothing to back up, or the archive does not hold what was read.
        OSError: the source can't be read, or changes while it is; the target can't be written, or is full, or another
            run is writing it.
    """
    rules = {"last": keep_last, "daily": keep_daily, "weekly": keep_weekly, "monthly": keep_monthly}
    retention = Retention(**{rule: check_whole_number(n, argument=f"keep_{rule}") for rule, n in rules.items()})
    check_choice(compression, COMPRESSIONS, argument="compression")
    patterns = list_texts(exclude, argument="exclude")
    root, directory = _check_directories(source, target_dir)
    label = _check_name(root.name if name is None else name)
    now = datetime.now(UTC).replace(microsecond=0)
    archive = directory / f"{label}-{now.strftime(_STAMP)}.tar.{compression}"
    say(f"backing up {root} to {archive}")
    with replace_file(archive, partial=directory / f".{label}.partial") as file:
        if archive.exists():
            msg = f"{archive} is there already: a second backup within one second"
            raise BackupError(msg)
        contents = write_archive(root, file, compression=compression, exclude=patterns)
        if contents.files == 0:
            msg = f"{root} holds no file to back up; is its volume mounted?"
            raise BackupError(msg)
        sha256 = verify(file, contents)
        archive_bytes = file.seek(0, 2)
        # Before the archive gets its name: one without its checksum is never seen.
        write_file(_name_checksum(archive), f"{sha256}  {archive.name}\n".encode())
    say(f"verified: {contents.files} files, {contents.size_bytes} bytes in an archive of {archive_bytes}")
    removed = rotate(directory, label, retention, newest=now)
    return Backup(
        path=str(archive),
        files=contents.files,
        size_bytes=contents.size_bytes,
        archive_bytes=archive_bytes,
        sha256=sha256,
        removed=removed,
    )


def restore(archive: str, target: str) -> Restored:
    """Unpack a backup into the directory `target`, which must be empty or not there, and return what was done.

    The directory appears with all that is in it, or not at all.

    Raises:
        BackupError: the archive is damaged or unsafe, its checksum is another, or there is something in `target`.
        OSError: the archive can't be read, or the target not written.
    """
    path, directory = Path(archive), Path(target).resolve()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        msg = f"{directory} is not an empty directory: nothing is restored over existing files"
        raise BackupError(msg)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as file:
        verified = _check_checksum(path, file)
        say(f"unpacking {path} to {directory}")
        workplace = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
        try:
            file.seek(0)
            files = unpack_archive(file, workplace)
            workplace.replace(directory)
        except ArchiveError as error:
            msg = f"{path}: {error}"
            raise BackupError(msg) from error
        finally:
            shutil.rmtree(workplace, ignore_errors=True)
    say(f"restored {files} files")
    return Restored(path=str(directory), files=files, verified=verified)


def verify(file: BufferedRandom, contents: Contents) -> str:
    """Return the SHA-256 of the archive in `file`, once it was read back and holds exactly `contents`.

    Raises:
        BackupError: it does not.
    """
    file.flush()
    file.seek(0)
    try:
        found = read_archive(file)
    except ArchiveError as error:
        msg = f"what was written can't be read back: {error}"
        raise BackupError(msg) from error
    if found != contents:
        msg = f"what was written is not what was read: {contents} became {found}"
        raise BackupError(msg)
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def rotate(directory: Path, label: str, retention: Retention, *, newest: datetime) -> list[str]:
    """Remove the backups of the set `label` that no rule keeps, and return their names; `newest` always stays."""
    archives = _find_files(directory, label, r"\.tar\.(?:gz|xz)")
    checksums = _find_files(directory, label, r"\.tar\.(?:gz|xz)\.sha256")
    kept = choose_kept(archives.values(), retention) | {newest}  # which a wrong clock may have made not the newest
    gone = [path for path, moment in archives.items() if moment not in kept]
    for path in gone:
        path.unlink(missing_ok=True)
        say(f"removed {path.name}")
    for path, moment in checksums.items():
        # Also of runs that were killed before their archive got its name. Younger ones may be at work just now.
        if moment < newest and not path.with_suffix("").exists():
            path.unlink(missing_ok=True)
    return [path.name for path in gone]


def _find_files(directory: Path, label: str, suffix_pattern: str) -> dict[Path, datetime]:
    pattern = re.compile(rf"{re.escape(label)}-([0-9]{{8}}T[0-9]{{6}}Z){suffix_pattern}")
    found: dict[Path, datetime] = {}
    for path in sorted(directory.iterdir()):
        match = pattern.fullmatch(path.name)
        if match is not None and path.is_file():
            with suppress(ValueError):  # there is no such day: then it is none of ours
                found[path] = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
    return found


def _check_directories(source: str, target_dir: str) -> tuple[Path, Path]:
    """Return both as absolute paths, symbolic links resolved."""
    root, directory = Path(source).resolve(), Path(target_dir).resolve()
    if not root.is_dir():
        msg = f"the source {root} is not a directory"
        raise BackupError(msg)
    if not directory.is_dir():  # not made here: it may be where a volume should have been mounted
        msg = f"the target {directory} is not a directory; create it, or mount what belongs there"
        raise BackupError(msg)
    if directory.is_relative_to(root):
        msg = f"the target {directory} is inside the source {root}: each backup would hold those before it"
        raise BackupError(msg)
    return root, directory


def _check_name(name: object) -> str:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        msg = f"name must be letters, digits, dots, hyphens and underscores, not {name!r}; pass another one"
        raise ValueError(msg)
    return name


def _name_checksum(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.sha256")


def _check_checksum(archive: Path, file: BufferedReader) -> bool:
    """Return whether there is a checksum to compare with; one that differs is an error."""
    try:
        expected = _name_checksum(archive).read_text(encoding="ascii", errors="replace").split()[:1]
    except FileNotFoundError:
        say(f"there is no {_name_checksum(archive)}: not verified")
        return False
    if expected != [hashlib.file_digest(file, "sha256").hexdigest()]:
        msg = f"{archive} is not what was written: its SHA-256 is not the one in {_name_checksum(archive).name}"
        raise BackupError(msg)
    return True
