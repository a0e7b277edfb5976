"""Tar archives of a directory: written, read back, unpacked."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import stat
import tarfile
import zlib
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple

from jobs._progress import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMPRESSIONS = ("gz", "xz")

_CHUNK_BYTES = 1024 * 1024
_GZIP_LEVEL = 6  # tarfile's own 9 takes twice the time and saves one percent
_PROGRESS_FILES = 10_000


class ArchiveError(Exception):
    """The archive is damaged, or holds what `write_archive` never writes."""


class Contents(NamedTuple):
    """What is in an archive; `digest` covers names, kinds, links and every byte, in their order."""

    files: int
    size_bytes: int
    digest: str


class _Tally:
    """The contents so far."""

    def __init__(self) -> None:
        self.files = 0
        self.size_bytes = 0
        self.hash = hashlib.sha256()

    def add(self, member: tarfile.TarInfo) -> None:
        self.hash.update(repr((member.name, member.type, member.linkname, member.size)).encode())
        self.size_bytes += member.size
        if member.isreg() or member.islnk():
            self.files += 1
            if self.files % _PROGRESS_FILES == 0:
                say(f"{self.files} files, {self.size_bytes} bytes")

    def finish(self) -> Contents:
        return Contents(self.files, self.size_bytes, self.hash.hexdigest())


class _Watched:
    """A file whose bytes are added to a tally as somebody reads it."""

    def __init__(self, file: IO[bytes], tally: _Tally) -> None:
        self._file = file
        self._tally = tally

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self._tally.hash.update(data)
        return data


def write_archive(source: Path, file: BinaryIO, *, compression: str, exclude: Sequence[str] = ()) -> Contents:
    """Write the directory `source` to `file`, and return what went into it.

    Names in the archive are relative to `source`; symbolic links stay links. Left out are sockets, pipes and devices,
    and what vanishes before it can be opened.

    Raises:
        OSError: a file can't be read, or becomes shorter meanwhile; or the archive can't be written.
    """
    tally = _Tally()
    with (
        tarfile.open(fileobj=file, mode="w:xz")
        if compression == "xz"
        else tarfile.open(fileobj=file, mode="w:gz", compresslevel=_GZIP_LEVEL)
    ) as tar:
        for path in find_entries(source, exclude):
            try:
                _add_entry(tar, path, path.relative_to(source).as_posix(), tally)
            except FileNotFoundError:
                say(f"{str(path)!r} vanished, left out")
    return tally.finish()


def read_archive(file: BinaryIO) -> Contents:
    """Return what is in the archive, every byte of it read.

    Raises:
        ArchiveError: it is damaged.
    """
    tally = _Tally()
    with _open_archive(file) as tar:
        for member in tar:
            tally.add(member)
            data = tar.extractfile(member) if member.isreg() else None
            if data is not None:
                while chunk := data.read(_CHUNK_BYTES):
                    tally.hash.update(chunk)
        _read_to_end(tar)
    return tally.finish()


def unpack_archive(file: BinaryIO, target: Path) -> int:
    """Unpack all of the archive into the directory `target`, modes and times included; return the number of files.

    Owners are restored too where this runs as root.

    Raises:
        ArchiveError: it is damaged, or has a member that could be written outside `target`; then nothing is.
        OSError: a file can't be written.
    """
    with _open_archive(file) as tar:
        members = tar.getmembers()
        _read_to_end(tar)
        check_members(members)
        # All are checked, and must come back as they were: no filter, and not the default one of Python 3.14.
        tar.extraction_filter = lambda member, _path: member
        tar.extractall(target, members)  # noqa: S202
        for member in members:
            if member.issym():  # which tarfile leaves at the present time
                os.utime(target / member.name, (member.mtime, member.mtime), follow_symlinks=False)
    return sum(member.isreg() or member.islnk() for member in members)


def find_entries(source: Path, exclude: Sequence[str] = ()) -> Iterator[Path]:
    """Yield `source` and all that is below it, a directory right before what is in it, in the order of names.

    (GNU tar relies on that order: it restores a directory's time once the next member lies outside of it.)

    What matches a pattern of `exclude` is left out, a directory with all that is in it. A pattern with a slash is
    compared with the path relative to `source`, one without with the name alone; `*` also matches slashes.

    Raises:
        OSError: a directory can't be read.
    """
    waiting = [source]
    while waiting:
        path = waiting.pop()
        yield path
        if path.is_dir() and not path.is_symlink():
            waiting += [entry for entry in _list_backwards(path) if not _is_excluded(entry, source, exclude)]


def check_members(members: Sequence[tarfile.TarInfo]) -> None:
    """Return where unpacking these members in their order writes nothing outside the target directory.

    Raises:
        ArchiveError: a name leads out of it or through a link, appears twice, or is a device or a pipe.
    """
    seen: set[PurePosixPath] = set()
    links: set[PurePosixPath] = set()
    for member in members:
        path = PurePosixPath(member.name)
        linked = PurePosixPath(member.linkname) if member.islnk() else None
        if member.isdev() or path in seen or _leads_out(path, links) or (linked is not None and linked not in seen):
            msg = f"the archive's member {member.name!r} is not safe to unpack"
            raise ArchiveError(msg)
        seen.add(path)
        if member.issym() or linked in links:
            links.add(path)


def _leads_out(path: PurePosixPath, links: set[PurePosixPath]) -> bool:
    return path.is_absolute() or ".." in path.parts or any(parent in links for parent in path.parents)


def _is_excluded(path: Path, source: Path, patterns: Sequence[str]) -> bool:
    relative = path.relative_to(source).as_posix()
    return any(fnmatchcase(relative if "/" in pattern else path.name, pattern) for pattern in patterns)


def _list_backwards(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir(), reverse=True)
    except FileNotFoundError:
        return []  # it vanished


def _add_entry(tar: tarfile.TarFile, path: Path, name: str, tally: _Tally) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        with path.open("rb") as file:
            member = tar.gettarinfo(arcname=name, fileobj=file)
            tally.add(member)
            tar.addfile(member, _Watched(file, tally) if member.isreg() else None)
    elif stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
        member = tar.gettarinfo(path, arcname=name)
        tally.add(member)
        tar.addfile(member)


def _read_to_end(tar: tarfile.TarFile) -> None:
    """Read what follows the last member: tarfile stops there, and would never see the checksum of the compression."""
    while tar.fileobj.read(_CHUNK_BYTES):
        pass


@contextmanager
def _open_archive(file: BinaryIO) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=file, mode="r:*") as tar:
            yield tar
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        msg = f"the archive is damaged: {error}"
        raise ArchiveError(msg) from error
