"""The options of a schedule, as `tq schedule add` takes them besides those of its job."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from tqcli.cli.parameter import Option
from tqcli.cli.value import checked, positive_duration, whole_number
from tqcli.core.moment import parse_moment
from tqcli.core.names import check_label
from tqcli.core.schedules.cron import parse_cron
from tqcli.core.schedules.options import ScheduleOptions
from tqcli.core.schedules.schedule import MAX_RUNS, parse_catch_up
from tqcli.core.zone import find_zone
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

_WHEN, _RULES = "When it runs", "Rules"
_POSITION = re.compile(r"at position (\d+)")
_POINTED_MOST = 60
"""Characters of an expression that is shown again, with a mark below it: one that fits a line."""


def parse_expression(text: str) -> str:
    """Return a cron expression as it was given.

    Raises:
        InvalidInput: it is none; where it is short, a mark points at the mistake.
    """
    try:
        parse_cron(text)
    except InvalidInput as error:
        found = _POSITION.search(error.message)
        if found is None or len(text) > _POINTED_MOST or not (text.isprintable() and text.isascii()):
            raise
        mark = " " * (int(found[1]) - 1) + "^"
        msg = f"{error.message}\n  {text}\n  {mark}"
        raise InvalidInput(msg, hint=error.hint) from error
    return text


def cron_option(text: str) -> Option:
    """Return `--cron`; `text` is its help."""
    return Option("--cron", metavar="EXPR", help=text, parse=parse_expression, panel=_WHEN)


def zone_option() -> Option:
    """Return `--tz`."""
    text = "the zone of its times (this machine's)"
    return Option("--tz", metavar="ZONE", help=text, parse=checked(find_zone), complete="zone", panel=_WHEN)


def daylight_option() -> Option:
    """Return `--dst`."""
    text = "local times that are missing or come twice: run once, skip what is missing, run both (once)"
    return Option("--dst", help=text, panel=_WHEN)


class RuleFlags(msgspec.Struct, frozen=True, kw_only=True):
    """What was given on the command line; None where nothing was."""

    cron: Annotated[str | None, cron_option("minute, hour, day, month, weekday; or six with seconds; or @daily")] = None
    tz: Annotated[str | None, zone_option()] = None
    dst: Annotated[Literal["once", "skip", "both"] | None, daylight_option()] = None
    every: Annotated[
        timedelta | None,
        Option("--every", metavar="D", help="from now on, this far apart: 90s, 5m, 2d", panel=_WHEN),
    ] = None
    at: Annotated[
        str | None, Option("--at", metavar="T", help="once: 2027-01-31T17:30, 17:30, tomorrow 9:00", panel=_WHEN)
    ] = None
    jitter: Annotated[
        timedelta | None,
        Option(
            "--jitter",
            metavar="D",
            help="later by up to this, always the same for one name",
            parse=positive_duration,
            panel=_WHEN,
        ),
    ] = None
    until: Annotated[str | None, Option("--until", metavar="T", help="not after this time", panel=_WHEN)] = None
    max_runs: Annotated[
        int | None,
        Option("--max-runs", metavar="N", help="so many times", parse=whole_number(1, MAX_RUNS), panel=_WHEN),
    ] = None
    overlap: Annotated[
        Literal["skip", "queue", "replace", "allow"] | None,
        Option("--overlap", help="what a run does where the one before goes on (skip)", panel=_RULES),
    ] = None
    catch_up: Annotated[
        str | None,
        Option(
            "--catch-up",
            metavar="none|latest|all:MAX",
            help="which of the missed times run afterwards (latest)",
            parse=checked(parse_catch_up),
            complete="none latest all:",
            panel=_RULES,
        ),
    ] = None
    paused: Annotated[bool, Option("--paused", help="start nothing before it is resumed", panel=_RULES)] = False
    note: Annotated[
        str | None,
        Option(
            "--note",
            metavar="TEXT",
            help="a word for whoever reads it",
            parse=partial(check_label, noun="note"),
            panel=_RULES,
        ),
    ] = None

    def schedule_options(self, now: datetime, zone: str) -> ScheduleOptions:
        """Return them as options, read `now`; `zone` is that of times that name none.

        Raises:
            InvalidInput: a time is none, or past.
        """
        place = find_zone(self.tz or zone)
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        for name in ("at", "until"):
            if given[name] is not None:
                given[name] = parse_time(f"--{name}", given[name], now, place)
        return ScheduleOptions(**given | {"paused": self.paused or None})


def parse_time(option: str, text: str, now: datetime, zone: tzinfo, *, past: bool = False) -> datetime:
    """Return the moment that an option names.

    Raises:
        InvalidInput: it is no time; or, without `past`, one that has passed.
    """
    try:
        return parse_moment(text, now=now, zone=zone, past=past)
    except InvalidInput as error:
        msg = f"{option}: {error.message}"
        hint = error.hint or ""
        # What a submission has, a schedule has not.
        raise InvalidInput(msg, hint=f"{hint}: tq submit has it" if "--in" in hint else hint) from error
