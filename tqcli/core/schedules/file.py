"""A schedule file: TOML with a table for each schedule, typed and checked: the options of `tq schedule add`.

Reading the files of a folder, and what they refer to, is `tqcli.client.schedulefile`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from tqcli.core import jobfile
from tqcli.core.check import check_range
from tqcli.core.jobfile import check_jobfile
from tqcli.core.names import check_label, check_name, quote
from tqcli.core.nearest import did_you_mean
from tqcli.core.options import JobOptions
from tqcli.core.schedules.cron import parse_cron
from tqcli.core.schedules.daylight import DAYLIGHT_RULES
from tqcli.core.schedules.options import ScheduleOptions
from tqcli.core.schedules.schedule import MAX_RUNS, OVERLAPS, parse_catch_up
from tqcli.core.toml import checked, describe_kind, read_boolean, read_duration, read_number, read_string
from tqcli.core.zone import find_zone
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FILE, STDIN_TEXT = "file", "stdin-text"
_NOT_HERE = ("array", "key", "in", "at")
"""Options of a job that is sent now."""


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as a file declares it; `source` says where, for messages.

    `file` names a job file, over which the table's own options win. `stdin_text` is what the job reads.
    """

    name: str
    source: str
    options: ScheduleOptions
    job: JobOptions
    file: str | None = None
    stdin_text: str | None = None


def check_schedulefile(table: Mapping[str, object], source: str) -> Iterator[Declared]:
    """Give the schedules of a parsed file, in its order. `source` is the file's name.

    Raises:
        InvalidInput: a key stands outside of a table, is unknown, or has a wrong value; a name can't be one. The
            message names the file, the table and the key.
    """
    for name, options in table.items():
        if not isinstance(options, dict):
            msg = f"{source}: {quote(name)} is {describe_kind(options)}, not a table: each schedule is one"
            raise InvalidInput(msg, hint="put a line with its name above its options, as in [nightly]")
        where = f"{source}: [{name}]"
        try:
            check_name(name, noun="schedule")
        except InvalidInput as error:
            msg = f"{where}: {error.message}"
            raise InvalidInput(msg, hint=error.hint) from error
        yield _check(name, options, where)


def _check(name: str, table: Mapping[str, object], where: str) -> Declared:
    given: dict[str, Any] = {}
    job: dict[str, object] = {}
    for key, value in table.items():
        if key in _JOB_KEYS:
            job[key] = value
        elif reader := _READERS.get(key):
            try:
                given[key.replace("-", "_")] = reader(value)
            except InvalidInput as error:
                msg = f"{where}: {key}: {error.message}"
                raise InvalidInput(msg, hint=error.hint) from error
        else:
            msg = f"{where}: there is no option {quote(key)}"
            raise InvalidInput(msg, hint=did_you_mean(key, (*_READERS, *_JOB_KEYS)))
    own = {key: given.pop(key, None) for key in ("file", "stdin_text")}
    if own["stdin_text"] is not None and "stdin" in job:
        msg = f"{where}: stdin and {STDIN_TEXT} both say what it reads"
        raise InvalidInput(msg, hint="keep one of them")
    return Declared(name=name, source=where, options=ScheduleOptions(**given), job=check_jobfile(job, where), **own)


def _moment(value: object) -> datetime:
    """Return a time that is the same one whenever the file is applied; without a zone, it is of the schedule's."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the zone comes later
    text = read_string(value)
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{quote(text)} is not a date and time"
        hint = "a file is applied again and again, so write a whole one, as in 2027-01-31T17:30"
        raise InvalidInput(msg, hint=hint) from error


def _path(text: str) -> None:
    if not text or "\0" in text:
        msg = f"{quote(text)} is no file's name"
        raise InvalidInput(msg, hint="leave it out, or name a file")


def _choice(choices: Iterable[str], noun: str) -> Callable[[object], str]:
    known = tuple(choices)

    def check(text: str) -> None:
        if text not in known:
            msg = f"{quote(text)} is not {noun}"
            raise InvalidInput(msg, hint=did_you_mean(text, known))

    return checked(check)


_READERS: dict[str, Callable[[object], object]] = {
    "cron": checked(parse_cron),
    "tz": checked(find_zone),
    "every": read_duration,
    "at": _moment,
    "overlap": _choice(OVERLAPS, "an overlap rule"),
    "catch-up": checked(parse_catch_up),
    "jitter": read_duration,
    "dst": _choice(DAYLIGHT_RULES, "a daylight-saving rule"),
    "until": _moment,
    "max-runs": lambda value: check_range("the number of runs", read_number(value), 1, MAX_RUNS),
    "paused": read_boolean,
    "note": checked(lambda text: check_label(text, noun="note")),
    FILE: checked(_path),
    STDIN_TEXT: read_string,
}
_JOB_KEYS = tuple(key for key in jobfile.KEYS if key not in _NOT_HERE)
