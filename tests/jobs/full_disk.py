"""A disk that takes no more: files of this process may not grow past a limit, as on a full disk writes then fail."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def limit_file_size(limit_bytes: int) -> Iterator[None]:
    """Make each write that would let a file grow past `limit_bytes` fail with an OSError, inside the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
