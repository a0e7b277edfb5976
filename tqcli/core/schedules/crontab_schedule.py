"""A crontab's entry as a schedule that does what cron did with it.

Cron starts a job although the one before still runs, and forgets what it missed while it was down: `overlap` is allow
and `catch-up` none. Its rule for daylight saving is `once`, the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.core.options import JobOptions
from tqcli.core.schedules.options import ScheduleOptions, Surroundings, build_definition
from tqcli.core.spec import Stdin
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from tqcli.core.schedules.crontab import Entry
    from tqcli.core.schedules.schedule import Definition

_SHELLS = ("/bin/sh", "/usr/bin/sh")
"""What a job's line is run by anyway."""


def make_definition(entry: Entry, *, zone: str, home: str | None, now: datetime) -> Definition:
    """Return the definition; `zone` and the directory `home` are for an entry whose file names none.

    Raises:
        InvalidInput: it can't be one, such as for its size; the message has the line's number.
    """
    stdin = None
    if entry.stdin is not None:
        data = entry.stdin.encode()
        stdin = Stdin(len(data), data=data)
    options = ScheduleOptions(cron=entry.cron, tz=entry.zone or zone, overlap="allow", catch_up="none")
    usual = entry.shell in _SHELLS
    job = JobOptions(
        shell=entry.command if usual else None,
        command=None if usual else (entry.shell, "-c", entry.command),
        env=entry.env or None,
        cwd=entry.cwd or home,
    )
    try:
        return build_definition(entry.name, options, job, Surroundings(now, zone, stdin=stdin))
    except InvalidInput as error:
        msg = f"line {entry.line}: {error.message}"
        raise InvalidInput(msg, hint=error.hint) from error
