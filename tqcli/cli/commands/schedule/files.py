"""`tq schedule apply`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tqcli.cli.parameter import Argument, Option
from tqcli.cli.scheduling import shown_zone, warn_unserved
from tqcli.errors import TqError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tqcli.cli.invocation import Invocation
    from tqcli.cli.session import Session
    from tqcli.core.schedules.applying import Change


def apply(
    tq: Invocation,
    path: Annotated[str, Argument("FILE|DIR", help="a schedule file, or a folder of them", complete="toml")],
    *,
    prune: Annotated[
        bool, Option("--prune", help="remove what was applied once, and is in these files no more")
    ] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="show what would change, and change nothing")] = False,
) -> None:
    """Make the schedules those that TOML files declare, and show what changes: applied twice, nothing.

    A table is a schedule: `[nightly]` has the options of `tq schedule add` by their names, and those of a job file
    (command, shell or python, args, env, …); `file` names a job file, `stdin-text` is what the job reads. Paths are
    relative to the file. Without cwd, the job runs in a fresh directory; without tz, times are of this machine's zone.
    Where anything is wrong, nothing is done.

    What was added by hand stays: --prune removes only what was applied. With --json: dry_run, added, changed (name and
    fields, each with option, old and new), removed and unchanged.

    Examples:
        tq schedule apply schedules/ --dry-run
        tq schedule apply nightly.toml --prune
    """
    from tqcli.client.schedulefile import load_schedules  # noqa: PLC0415 - the others read no files
    from tqcli.core.schedules.applying import plan_changes  # noqa: PLC0415

    now = datetime.now(UTC)
    wanted = load_schedules(Path(path), now=now)
    with tq.session() as session:
        from tqcli.client.applying import check_queues  # noqa: PLC0415 - only once the files are right
        from tqcli.client.schedules import list_schedules  # noqa: PLC0415

        listed = session.run(list_schedules(session.broker))
        existing = {one.name: one for one in listed.schedules}
        changes = plan_changes(wanted, existing, prune=prune, now=now)
        session.run(check_queues(session.broker, changes))
        if not tq.output.json:
            from tqcli.cli.render.applying import change_lines  # noqa: PLC0415 - JSON needs none of it

            tq.output.lines(change_lines(changes, shown_zone(), now, tq.output))
        if not dry_run:
            _perform(session, changes, tq)
    if tq.output.json:
        tq.output.document(_document(changes, dry_run=dry_run))
    else:
        from tqcli.cli.render.applying import count_changes  # noqa: PLC0415 - as above

        tq.output.line(count_changes(changes, done=not dry_run))


def _perform(session: Session, changes: Sequence[Change], tq: Invocation) -> None:
    """Do it, one schedule after the other.

    Raises:
        TqError: one could not be done; the message says which, and that those before it are.
    """
    from tqcli.client.applying import apply_change  # noqa: PLC0415 - not for a dry run

    for done, change in enumerate(changes):
        try:
            session.run(apply_change(session.broker, change))
        except TqError as error:
            error.message = f"schedule {change.name}: {error.message}"
            if done:
                tq.output.note(f"tq: those before {change.name} are applied; applying again goes on there")
            raise
    queues = {one.after.definition.template.queue for one in changes if one.what == "added" and one.after is not None}
    for queue in sorted(queues):
        warn_unserved(session, tq.output, queue)


def _document(changes: Sequence[Change], *, dry_run: bool) -> dict[str, Any]:
    names = {what: [one.name for one in changes if one.what == what] for what in ("added", "removed", "unchanged")}
    changed = [{"name": one.name, "fields": one.differences} for one in changes if one.what == "changed"]
    return {"dry_run": dry_run, **names, "changed": changed}
