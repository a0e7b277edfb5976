"""`tq schedule ls`, `show`, `next` and `history`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from tqcli.cli.parameter import Argument, Option
from tqcli.cli.rule import cron_option, daylight_option, zone_option
from tqcli.cli.scheduling import Name, shown_zone
from tqcli.cli.value import whole_number
from tqcli.core.exit_status import worst
from tqcli.core.schedules.rule import CronRule
from tqcli.core.schedules.schedule import HISTORY_KEPT
from tqcli.core.schedules.view import (
    describe_entry,
    describe_in_full,
    describe_schedule,
    describe_time,
    list_next,
    preview_rule,
)
from tqcli.errors import InvalidInput
from tqcli.settings.zone import machine_zone

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.session import Session
    from tqcli.core.schedules.schedule import Schedule

_NEXT_MOST = 1_000
_NEXT, _HISTORY = 5, 20

_parse_next = whole_number(1, _NEXT_MOST)
_parse_history = whole_number(1, HISTORY_KEPT)


def ls(tq: Invocation) -> int:
    """List the schedules: when each runs next, how it went last, and whether it is paused, finished or in trouble.

    In trouble is one whose last run failed or expired, or whose queue is gone.

    With --json, one document lists them all with these fields: name, state, trouble, rule, options (as in a schedule
    file), queue, paused_since, pause_note, declared, revision, defined_at, defined_by, runs, waiting, next_at (with
    its jitter), next_planned and last.

    Examples:
        tq schedule ls
        tq schedule ls --json | jq -r '.[] | select(.state == "trouble") | .name'
    """
    from tqcli.client.schedules import list_schedules  # noqa: PLC0415 - `next --cron` needs no broker

    with tq.session() as session:
        found, unreadable = session.run(list_schedules(session.broker))
        schedules = [_look_up(session, one) for one in found]
    for error in unreadable:
        tq.output.error(error)
    code = worst(error.exit_code for error in unreadable)
    if tq.output.json:
        tq.output.document([describe_schedule(one) for one in schedules])
        return code
    if not schedules and not unreadable:
        tq.output.note("no schedules yet; try: tq schedule add nightly --cron '30 4 * * *' -- ./backup.sh")
    if schedules:
        from tqcli.cli.render.schedule import LIST, list_row  # noqa: PLC0415 - JSON needs no table

        now = datetime.now(UTC)
        tq.output.table(LIST, [list_row(one, now, tq.output) for one in schedules])
    return code


def show(tq: Invocation, name: Name) -> None:
    """Show a schedule: its definition, when it runs next, how it went last and how long it took.

    Times are those of its own zone. With --json, it has the fields of `tq schedule ls`, and next (at, local, zone,
    note), history (is: run, skipped or backfilled, and what belongs to that), succeeded and ended (how many of the
    runs in the history), and durations_s.

    Examples:
        tq schedule show nightly
        tq schedule show nightly --json | jq -r '.next[0].at'
    """
    schedule = _load(tq, name)
    if tq.output.json:
        tq.output.document(describe_in_full(schedule, shown_zone()))
        return
    from tqcli.cli.render.schedule import schedule_lines  # noqa: PLC0415 - JSON needs none of it

    tq.output.lines(schedule_lines(schedule, shown_zone(), datetime.now(UTC), tq.output))


def next(  # noqa: A001 - what the command is called
    tq: Invocation,
    name: Annotated[str | None, Argument("NAME", help="the schedule", complete="schedule")] = None,
    *,
    cron: Annotated[str | None, cron_option("preview this expression, before there is a schedule")] = None,
    tz: Annotated[str | None, zone_option()] = None,
    dst: Annotated[Literal["once", "skip", "both"] | None, daylight_option()] = None,
    number: Annotated[
        int | None, Option("-n", "--number", metavar="N", help=f"so many ({_NEXT})", parse=_parse_next)
    ] = None,
) -> None:
    """Show when a schedule runs next, or what a cron expression means: the times are those that agents compute.

    A note marks what a change of the clocks does. With --json, a list of at (UTC), local, zone and note.

    Examples:
        tq schedule next nightly -n 10
        tq schedule next --cron '30 2 * * *' --tz Europe/Berlin -n 200
        tq schedule next --cron '0 9 L * *'
    """
    most = number or _NEXT
    now = datetime.now(UTC)
    if cron is not None:
        if name is not None:
            msg = "a schedule has its own cron expression"
            raise InvalidInput(msg, hint="give one of NAME and --cron")
        rule = CronRule(" ".join(cron.split()), tz=tz or machine_zone(), dst=dst or "once")
        times = [describe_time(rule, one, rule.tz) for one in preview_rule(rule, now, most)]
    elif name is None or tz or dst:
        msg = "nothing says which schedule" if name is None else "a schedule has its own zone and daylight-saving rule"
        raise InvalidInput(msg, hint="tq schedule next NAME, or tq schedule next --cron '30 4 * * *' --tz ZONE")
    else:
        schedule = _load(tq, name)
        if schedule.paused is not None:
            tq.output.note(f"tq: {name} is paused; once it is resumed, it runs as follows")
        times = list_next(schedule, most, shown_zone())
    if tq.output.json:
        tq.output.document(times)
        return
    if not times:
        tq.output.note("it runs no more")
        return
    from tqcli.cli.render.schedule import next_lines  # noqa: PLC0415 - JSON needs none of it

    tq.output.lines(next_lines(times, now, tq.output))


def history(
    tq: Invocation,
    name: Name,
    *,
    number: Annotated[
        int | None, Option("-n", "--number", metavar="N", help=f"at most so many ({_HISTORY})", parse=_parse_history)
    ] = None,
) -> None:
    """Show what became of a schedule's planned times, the newest first: runs, and what was skipped and why.

    Skipped are times that were missed because no agent was there (--catch-up), that overlapped the run before
    (--overlap), or came while it was paused or its queue was gone. The newest 50 entries are kept.

    Examples:
        tq schedule history nightly
        tq schedule history nightly --json | jq '.[] | select(.is == "skipped")'
    """
    schedule = _load(tq, name)
    most = number or _HISTORY
    if tq.output.json:
        tq.output.document([describe_entry(one) for one in schedule.history[::-1][:most]])
        return
    if not schedule.history:
        tq.output.note(f"nothing yet; `tq schedule next {name}` shows when it runs")
        return
    from tqcli.cli.render.schedule import history_lines  # noqa: PLC0415 - JSON needs none of it

    tq.output.lines(history_lines(schedule, most, shown_zone(), tq.output))


def _load(tq: Invocation, name: str) -> Schedule:
    from tqcli.client.schedules import load_schedule  # noqa: PLC0415 - `next --cron` needs no broker

    with tq.session() as session:
        return _look_up(session, session.run(load_schedule(session.broker, name)))


def _look_up(session: Session, schedule: Schedule) -> Schedule:
    """Return the schedule with the states that its runs have now."""
    from tqcli.client.schedules import read_runs  # noqa: PLC0415 - as above

    entries = session.run(read_runs(session.broker, schedule))
    return msgspec.structs.replace(schedule, history=tuple(entries))
