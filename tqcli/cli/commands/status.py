"""`tq status`: everything on one screen, or one job."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from tqcli.cli.parameter import Argument
from tqcli.core.exit_status import worst
from tqcli.core.job import Job
from tqcli.errors import TqError

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session
    from tqcli.client.query import Group


def status(
    tq: Invocation,
    ids: Annotated[list[str] | None, Argument("ID", help="jobs or groups, as @last", complete="job")] = None,
) -> int:
    """Show queues, agents and counts on one screen; with an id, the job with its attempts, or the group.

    The counts of what ended are those of the 1,000 newest jobs.

    Examples:
        tq status
        tq status @last
        tq status --json 1xkbbg00a7c3k9mf | jq -r .state
    """
    with tq.session() as session:
        if not ids:
            _show_overview(session, tq.output)
            return 0
        found, codes = _load(session, tq.output, ids)
    if tq.output.json:
        if found:
            tq.output.document(found if len(ids) > 1 else found[0])
        return worst(codes)
    for place, one in enumerate(found):
        if place:
            tq.output.line()
        _show(one, tq.output)
    return worst(codes)


def _load(session: Session, output: Output, words: list[str]) -> tuple[list[Job | Group], list[int]]:
    """Return what is there, and an exit code for each id that is not; why has been said."""
    from tqcli.client.query import resolve  # noqa: PLC0415 - not for the overview

    found, codes = [], []
    for job in session.ids(words):
        try:
            found.append(session.run(resolve(session.broker, job)))
        except TqError as error:
            if len(words) == 1:
                raise
            output.error(error)
            codes.append(error.exit_code)
    return found, codes


def _show(one: Job | Group, output: Output) -> None:
    now = datetime.now(UTC)
    if isinstance(one, Job):
        from tqcli.cli.render.job import job_lines  # noqa: PLC0415 - JSON needs none of them

        output.lines(job_lines(one, now, output))
    else:
        from tqcli.cli.render.group import group_lines  # noqa: PLC0415 - as above

        output.lines(group_lines(one, now, output))


def _show_overview(session: Session, output: Output) -> None:
    from tqcli.client.overview import load_overview  # noqa: PLC0415 - one job needs less

    overview = session.run(load_overview(session.broker))
    if output.json:
        output.document(overview)
    else:
        from tqcli.cli.render.overview import overview_lines  # noqa: PLC0415 - JSON needs none of it

        output.lines(overview_lines(overview, session.key, datetime.now(UTC), output))
