"""`tq schedule pause`, `resume`, `run` and `backfill`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

from tqcli.cli.parameter import Option
from tqcli.cli.progress import show_progress
from tqcli.cli.rule import parse_time
from tqcli.cli.scheduling import Name, shown_zone, warn_unserved
from tqcli.client import schedules as client
from tqcli.core.names import check_label
from tqcli.core.plural import count
from tqcli.core.schedules.rule import CronRule
from tqcli.core.schedules.view import describe_schedule, describe_time
from tqcli.core.zone import find_zone
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.core.schedules.schedule import Schedule
    from tqcli.core.schedules.view import Planned


def pause(
    tq: Invocation,
    name: Name,
    *,
    note: Annotated[
        str | None, Option("--note", metavar="TEXT", help="why", parse=partial(check_label, noun="note"))
    ] = None,
) -> None:
    """Start no more runs of a schedule; what runs goes on. Times that come meanwhile are skipped.

    Examples:
        tq schedule pause nightly --note 'disk is being replaced'
    """
    with tq.session() as session:
        schedule = session.run(client.pause_schedule(session.broker, name, note=note))
    _tell(tq, schedule, f"schedule {name} paused")


def resume(tq: Invocation, name: Name) -> None:
    """Let a paused schedule go on from now; nothing is made up for (see `tq schedule backfill`).

    Examples:
        tq schedule resume nightly
    """
    with tq.session() as session:
        schedule = session.run(client.resume_schedule(session.broker, name))
    from tqcli.cli.render.schedule import describe_next  # noqa: PLC0415 - the others need none of it

    first = describe_next(schedule, shown_zone(), datetime.now(UTC))
    _tell(tq, schedule, f"schedule {name} resumed: {first}")


def run(tq: Invocation, name: Name) -> None:
    """Run a schedule's job now, and print its id: whatever runs already, and though it is paused.

    Its planned times stay as they are.

    Examples:
        tq schedule run nightly && tq wait && tq logs
    """
    with tq.session() as session:
        job = session.run(client.run_schedule(session.broker, name))
        session.remember(job)
        if tq.output.json:
            tq.output.document({"schedule": name, "id": str(job)})
            return
        tq.output.line(str(job))
        schedule = session.run(client.load_schedule(session.broker, name))
        warn_unserved(session, tq.output, schedule.definition.template.queue)


def backfill(
    tq: Invocation,
    name: Name,
    *,
    since: Annotated[str, Option("--from", metavar="T", help="the first planned time, or before it")],
    until: Annotated[str, Option("--to", metavar="T", help="the last planned time, or after it")],
    dry_run: Annotated[bool, Option("--dry-run", help="show the planned times, and run nothing")] = False,
) -> None:
    """Run a schedule's job for each planned time in the past, from one time to another, both included.

    Times without a zone are of the schedule's. All jobs are queued at once, under the ids that they would have had in
    time: what ran then, or was backfilled before, does not run again. The queue's limit holds.

    Examples:
        tq schedule backfill nightly --from 2026-11-01 --to 2026-11-07T23:59 --dry-run
        tq schedule backfill nightly --from 2026-11-01 --to 2026-11-07T23:59
    """
    from tqcli.client.backfill import plan_backfill  # noqa: PLC0415 - only this one needs it

    with tq.session() as session:
        schedule = session.run(client.load_schedule(session.broker, name))
        rule, now = schedule.definition.rule, datetime.now(UTC)
        zone = rule.tz if isinstance(rule, CronRule) else shown_zone()
        start = parse_time("--from", since, now, find_zone(zone), past=True)
        end = parse_time("--to", until, now, find_zone(zone), past=True)
        if end < start:
            msg = "--to is before --from"
            raise InvalidInput(msg, hint="the older time is the one of --from")
        if dry_run:
            runs = plan_backfill(schedule, start, end, now)
            _show_times(tq, [describe_time(rule, run.planned, zone) for run in runs], now)
            return
        with show_progress(tq.output, "submitting") as progress:
            total = len(plan_backfill(schedule, start, end, now)) if tq.output.shows_progress else 0
            filling = client.backfill(
                session.broker, name, start, end, progress=lambda done: progress.update(done, total)
            )
            done = session.run(filling)
        if tq.output.json:
            tq.output.document({"schedule": name, **done._asdict()})
            return
        there = f"; {done.existed:,} were there already" if done.existed else ""
        tq.output.line(f"schedule {name}: {count(done.submitted, 'job')} submitted{there}")
        if done.submitted:
            warn_unserved(session, tq.output, schedule.definition.template.queue)


def _show_times(tq: Invocation, times: list[Planned], now: datetime) -> None:
    if tq.output.json:
        tq.output.document(times)
    elif not times:
        tq.output.note("nothing was planned in that time")
    else:
        from tqcli.cli.render.schedule import next_lines  # noqa: PLC0415 - JSON needs none of it

        tq.output.lines(next_lines(times, now, tq.output))


def _tell(tq: Invocation, schedule: Schedule, text: str) -> None:
    if tq.output.json:
        tq.output.document(describe_schedule(schedule))
    else:
        tq.output.line(text)
