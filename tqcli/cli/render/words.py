"""Times, numbers and commands as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqcli.core.job import Job

_SHELL_WORDS = 3
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def short_duration(duration: timedelta) -> str:
    """Return a duration in its largest unit, in four characters or so.

    >>> short_duration(timedelta(seconds=200)), short_duration(timedelta(seconds=1.25)), short_duration(timedelta(0))
    ('3m', '1.2s', '0ms')
    """
    seconds = max(duration / _SECOND, 0)
    if seconds < 1:
        return f"{int(seconds * 1000)}ms"
    if seconds < 10:  # noqa: PLR2004 - then the first digit alone says too little
        return f"{int(seconds * 10) / 10:g}s"
    unit, size = next((unit, size) for unit, size in _UNITS if seconds >= size)
    return f"{int(seconds // size)}{unit}"


def age(moment: datetime, now: datetime) -> str:
    """Return how long ago that was; clocks differ, so what lies ahead is now."""
    return short_duration(max(now - moment, timedelta(0)))


def clock(moment: datetime, now: datetime) -> str:
    """Return a time in the user's own zone: of today the time alone, else with its date."""
    local = moment.astimezone()
    same_day = local.date() == now.astimezone().date()
    return local.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")


def one_line(text: str) -> str:
    r"""Return `text` with what doesn't print written out: nothing may move the cursor.

    >>> print(one_line("a\nb\x1b[31m"))
    a\nb\x1b[31m
    """
    return text if text.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def work(job: Job) -> str:
    """Return what a job runs, as one line that a shell would take."""
    if job.command is None:
        return one_line(job.entrypoint or "")
    from shlex import join  # noqa: PLC0415 - only what is shown to people needs it

    is_line = job.command[:2] == ("/bin/sh", "-c") and len(job.command) == _SHELL_WORDS
    return one_line(job.command[2] if is_line else join(job.command))
