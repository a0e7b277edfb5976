"""The last job submitted from here, per broker: what `@last` stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tqcli.errors import TqError
from tqcli.settings.files import PRIVATE_FOLDER, replace_file
from tqcli.settings.paths import ensure_state_dir, state_dir

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER = "last"
_SUFFIX = ".id"
_NAME_MAX = 200
_ID_MAX = 64


def remember_last(target_key: str, job_id: str) -> None:
    """Store the id as the last one for that broker. A job is submitted also where this can't be written."""
    try:
        path = _path(ensure_state_dir(), target_key)
        path.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        replace_file(path, f"{job_id}\n".encode())
    except (OSError, TqError):
        # `@last` will say that it knows none, or an older one: worth less than the submit that just succeeded.
        return


def recall_last(target_key: str) -> str | None:
    """Return the id last stored for that broker, or None."""
    try:
        text = _path(state_dir(), target_key).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if 0 < len(text) <= _ID_MAX and text.isprintable() else None


def _path(folder: Path, target_key: str) -> Path:
    # With the suffix, no key can pass for `.` or `..`.
    return folder / _FOLDER / f"{quote(target_key, safe='')[:_NAME_MAX]}{_SUFFIX}"
