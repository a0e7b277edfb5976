"""Who submits, from where and when: what a spec says of its beginning."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tqcli.core.ids import RANDOM_BITS, make_group_id
from tqcli.core.names import check_label

_LABEL_MAX = 128
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


class Origin(NamedTuple):
    """Where one submission comes from. `group` is its id, chosen before anything is sent (H1)."""

    group: str
    now: datetime
    submitted_by: str | None
    cwd: str | None


def load_origin(key: str | None = None) -> Origin:
    """Return the origin of a submission by this process, now: under a new id, or under the one that `key` always has.

    Raises:
        InvalidInput: the key is empty, too long, or does not print.
    """
    now = datetime.now(UTC)
    if key is None:
        group = make_group_id(now, int.from_bytes(os.urandom(RANDOM_BITS // 8)))
    else:
        group = derive_group_id(check_label(key, noun="key"))
    return Origin(group, now, _load_user(), load_cwd())


def derive_group_id(key: str) -> str:
    """Return the id of whatever is submitted with this key. It tells no time: all 80 bits are the key's hash.

    >>> derive_group_id("nightly") == derive_group_id("nightly") != derive_group_id("hourly")
    True
    """
    from hashlib import sha256  # noqa: PLC0415 - takes longer than the submit, and few jobs have a key

    number = int.from_bytes(sha256(key.encode()).digest()[:10])
    return make_group_id(_EPOCH + timedelta(milliseconds=number >> RANDOM_BITS), number)


def _load_user() -> str | None:
    """Return `user@host`, or None where that can't be a label."""
    import pwd  # noqa: PLC0415 - not on every system

    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    label = f"{user}@{os.uname().nodename}"
    return label if label.isprintable() and len(label) <= _LABEL_MAX else None


def load_cwd() -> str | None:
    """Return the current directory, or None where it is gone or no job could be told its name."""
    try:
        cwd = os.getcwd()  # noqa: PTH109 - pathlib is not needed for a string
        cwd.encode()
    except (OSError, UnicodeEncodeError):
        return None
    return cwd
