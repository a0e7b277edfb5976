"""Who submits, from where and when: what a spec says of its beginning."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import NamedTuple

from tqcli.core.ids import RANDOM_BITS, make_group_id

_LABEL_MAX = 128


class Origin(NamedTuple):
    """Where one submission comes from. `group` is its id, chosen before anything is sent (H1)."""

    group: str
    now: datetime
    submitted_by: str | None
    cwd: str | None


def load_origin() -> Origin:
    """Return the origin of a submission by this process, now, under a new id."""
    now = datetime.now(UTC)
    group = make_group_id(now, int.from_bytes(os.urandom(RANDOM_BITS // 8)))
    return Origin(group, now, _load_user(), _load_cwd())


def _load_user() -> str | None:
    """Return `user@host`, or None where that can't be a label."""
    import pwd  # noqa: PLC0415 - not on every system

    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    label = f"{user}@{os.uname().nodename}"
    return label if label.isprintable() and len(label) <= _LABEL_MAX else None


def _load_cwd() -> str | None:
    """Return the current directory, or None where it is gone or no job could be told its name."""
    try:
        cwd = os.getcwd()  # noqa: PTH109 - pathlib is not needed for a string
        cwd.encode()
    except (OSError, UnicodeEncodeError):
        return None
    return cwd
