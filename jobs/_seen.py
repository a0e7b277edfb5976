"""Keys that came by already: any number of them, in bounded memory."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_CACHE_KIB = 32 * 1024
_DIGEST_BYTES = 16  # two of a billion keys collide with a chance of one in 10^20


class SeenKeys:
    """Remembers for each key the line where it came first, in a temporary file that SQLite removes by itself."""

    def __init__(self) -> None:
        """Begin with no key."""
        self._database = sqlite3.connect("", isolation_level=None)  # "": on disk once the cache is full, without a name
        self._database.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB};"
            "CREATE TABLE seen (key BLOB PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID; BEGIN"
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Forget all."""
        self._database.close()

    def claim(self, key: Sequence[str], *, line: int) -> int | None:
        """Return None for a key that is new, which is then known to be at `line`; else the line where it was first."""
        digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        for part in key:
            digest.update(f"{len(part)}:{part}".encode())  # ("a", "bc") is not ("ab", "c")
        values = (digest.digest(), line)
        if self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", values).rowcount:
            return None
        first: int = self._database.execute("SELECT line FROM seen WHERE key = ?", values[:1]).fetchone()[0]
        return first
