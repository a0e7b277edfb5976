"""`tq schedule add` and `rm`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from tqcli.cli.options import JobFlags  # noqa: TC001 - read for the command's options
from tqcli.cli.parameter import Argument, Option
from tqcli.cli.rule import RuleFlags  # noqa: TC001 - as above
from tqcli.cli.scheduling import Name, shown_zone, warn_unserved
from tqcli.client.origin import load_cwd
from tqcli.client.schedules import add_schedule, remove_schedule
from tqcli.client.source import read_source
from tqcli.core.names import check_name
from tqcli.core.schedules.applying import check_runs
from tqcli.core.schedules.options import Surroundings, build_definition
from tqcli.core.schedules.planning import define
from tqcli.core.schedules.schedule import MAX_STDIN_BYTES
from tqcli.core.spec import Stdin
from tqcli.errors import InvalidInput
from tqcli.settings.zone import machine_zone

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.core.schedules.schedule import Definition


def add(
    tq: Invocation,
    name: Annotated[str, Argument("NAME", help="what to call it")],
    rule: RuleFlags,
    flags: JobFlags,
    command: Annotated[list[str] | None, Argument("CMD ARG", help="what to run", verbatim=True)] = None,
    *,
    replace: Annotated[bool, Option("--replace", help="change the schedule of that name")] = False,
) -> None:
    """Submit a job again and again: by a cron expression, at an interval, or once at a time.

    Agents keep it: nothing else has to run. Each planned time makes one job, however many agents there are; the job
    finds it in TQ_SCHEDULED_AT, and the name in TQ_SCHEDULE. Its --expires counts from the planned time.

    A cron expression is that of crontab(5): minute, hour, day of month, month, day of week. Its zone is kept by name.
    `tq schedule next --cron EXPR` shows what it means.

    Examples:
        tq schedule add nightly --cron '30 4 * * *' --retries 2 -- ./backup.sh
        tq schedule add report --cron '0 9 * * 1-5' --tz Asia/Tokyo -f report.toml
        tq schedule add probe --every 5m --jitter 1m --catch-up none -- ./probe.sh
        tq schedule add move --at 'tomorrow 9:00' -- ./move.sh
    """
    check_name(name, noun="schedule")
    definition = _build(name, rule, flags, command)
    now = datetime.now(UTC)
    check_runs(define(definition, now=now, by=None))
    with tq.session() as session:
        schedule = session.run(add_schedule(session.broker, definition, replace=replace, paused=rule.paused))
        if tq.output.json:
            from tqcli.core.schedules.view import describe_schedule  # noqa: PLC0415 - only JSON needs it

            tq.output.document(describe_schedule(schedule))
            return
        from tqcli.cli.render.schedule import describe_next  # noqa: PLC0415 - JSON needs none of it

        how = "added" if schedule.revision == 1 else f"changed, revision {schedule.revision}"
        tq.output.line(f"schedule {name} {how}: {describe_next(schedule, shown_zone(), now)}")
        warn_unserved(session, tq.output, definition.template.queue)


def rm(tq: Invocation, name: Name) -> None:
    """Remove a schedule, and its history; what runs goes on, and its jobs stay where they are.

    Examples:
        tq schedule rm probe
    """
    with tq.session() as session:
        session.run(remove_schedule(session.broker, name))
    if tq.output.json:
        tq.output.document({"schedule": name, "done": "removed"})
    else:
        tq.output.line(f"schedule {name} removed")


def _build(name: str, rule: RuleFlags, flags: JobFlags, command: list[str] | None) -> Definition:
    job = flags.job_options(command)
    if (job.command, job.shell, job.python) == (None, None, None):
        msg = f"nothing says what the schedule {name!r} runs"
        raise InvalidInput(msg, hint="name it first, then the command after --: tq schedule add NAME … -- echo hello")
    stdin = None
    if job.stdin is not None:
        data = read_source(job.stdin, option="--stdin", max_bytes=MAX_STDIN_BYTES)
        stdin = Stdin(len(data), data=data)
    now = datetime.now(UTC)
    # An interval needs no zone, so a machine whose zone has no name may have one.
    zone = machine_zone() if rule.tz is None and (rule.cron or rule.at or rule.until) else "UTC"
    around = Surroundings(now, zone, cwd=load_cwd(), stdin=stdin)
    return build_definition(name, rule.schedule_options(now, zone), job, around)
