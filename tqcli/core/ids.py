"""Ids of groups and jobs.

A group id is 16 characters of lower-case Crockford base 32: 8 of time (milliseconds since 2024, good until 2058), 8 of
chance (40 bits). So ids sort by the time of submission. A job of its own has its group's id; an element of a group has
`<group>.<index>`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tqcli.errors import InvalidInput

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_GROUP = re.compile(r"[0-9a-hjkmnp-tv-z]{16}", re.ASCII)
_JOB = re.compile(r"([0-9a-hjkmnp-tv-z]{16})(?:\.(0|[1-9][0-9]{0,8}))?", re.ASCII)
RANDOM_BITS = 40


class JobId(NamedTuple):
    """A job, or a whole group: `index` is None for the group, and for the one job of a group of one."""

    group: str
    index: int | None = None  # type: ignore[assignment]  # hides tuple.index, which no id needs

    def __str__(self) -> str:
        """Return the form that users type."""
        return self.group if self.index is None else f"{self.group}.{self.index}"


def make_group_id(now: datetime, random_bits: int) -> str:
    """Return the group id for this moment and these 40 random bits.

    >>> make_group_id(datetime(2026, 1, 1, tzinfo=UTC), 1)
    '1tt8hd0000000001'
    """
    ms = (now - _EPOCH) // timedelta(milliseconds=1)
    number = (ms & (1 << RANDOM_BITS) - 1) << RANDOM_BITS | random_bits & (1 << RANDOM_BITS) - 1
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))


def submitted_at(group: str) -> datetime:
    """Return the moment in a group id, to the millisecond."""
    ms = 0
    for char in group[:8]:
        ms = ms << 5 | _ALPHABET.index(char)
    return _EPOCH + timedelta(milliseconds=ms)


def is_group_id(text: str) -> bool:
    """Return whether `text` has the form of a group id."""
    return _GROUP.fullmatch(text) is not None


def parse_job_id(text: str) -> JobId:
    """Return the id that a user typed.

    Raises:
        InvalidInput: it has not the form of an id.
    """
    match = _JOB.fullmatch(text.lower())
    if match is None:
        shown = text if len(text) <= 40 else text[:37] + "…"  # noqa: PLR2004
        msg = f"{shown!r} is not a job id"
        raise InvalidInput(msg, hint="an id looks like 1xkbbg00a7c3k9mf or 1xkbbg00a7c3k9mf.17; `tq ls` lists them")
    group, index = match.groups()
    return JobId(group, None if index is None else int(index))
