"""`tq ls`: recent jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from tqcli.cli.common import name_option, queue_option
from tqcli.cli.parameter import Option
from tqcli.cli.value import parser_of, whole_number
from tqcli.client.listing import Filters, list_jobs
from tqcli.client.queues import require_queue
from tqcli.core.names import quote
from tqcli.core.spec import DEFAULT_QUEUE
from tqcli.core.state import State
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tqcli.cli.invocation import Invocation
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session
    from tqcli.core.job import Job

LIMIT = 20


def _parse_state(text: str) -> object:
    words = text.split(",")
    if len(words) > 1 and set(words) <= set(State):
        msg = f"{quote(text)} are several"
        raise InvalidInput(msg, hint=f"give one each: {' '.join(f'-s {word}' for word in words)}")
    return parser_of(State)(text)


def ls(
    tq: Invocation,
    *,
    state: Annotated[
        list[State] | None,
        Option(
            "-s",
            "--state",
            metavar="STATE",
            help=f"only in this state, may be repeated: {', '.join(State)}",
            parse=_parse_state,
        ),
    ] = None,
    queue: Annotated[str | None, queue_option("only of this queue")] = None,
    name: Annotated[str | None, name_option("only those called so")] = None,
    since: Annotated[
        timedelta | None, Option("--since", metavar="D", help="only those that changed in the last 90s, 5m, 2d")
    ] = None,
    limit: Annotated[
        int | None,
        Option("-l", "--limit", metavar="N", help=f"at most so many ({LIMIT})", parse=whole_number(1)),
    ] = None,
) -> None:
    """List recent jobs, newest first.

    Filters look at the newest 100,000 jobs. With --json, each line is a job.

    Examples:
        tq ls --state failed --since 1d
        tq ls -q gpu -s queued -s running
        tq ls --limit 1000 --json | jq -r 'select(.exit_code == 3) | .id'
    """
    filters = Filters(
        states=frozenset(state) if state else None,
        queue=queue,
        name=name,
        since=None if since is None else datetime.now(UTC) - since,
    )
    with tq.session() as session:
        # One more than is shown, so that it can be told that there are more.
        most = limit or (LIMIT if tq.output.json else LIMIT + 1)
        jobs = list_jobs(session.broker, filters, limit=most, on_note=tq.output.note)
        shown = _stream(jobs, tq.output) if tq.output.json else _draw(jobs, limit or LIMIT, tq.output)
        count = session.run(shown)
        if count == 0:
            _explain_nothing(session, tq.output, filters)


async def _stream(jobs: AsyncIterator[Job], output: Output) -> int:
    count = 0
    async for job in jobs:
        output.document(job)
        count += 1
    return count


async def _draw(jobs: AsyncIterator[Job], most: int, output: Output) -> int:
    from tqcli.cli.render.job import LIST, list_row  # noqa: PLC0415 - JSON needs no table

    now = datetime.now(UTC)
    rows = [list_row(job, now, output) async for job in jobs]
    if rows:
        output.table(LIST, rows[:most])
    if len(rows) > most:
        output.note("more: --limit N")
    return len(rows)


def _explain_nothing(session: Session, output: Output, filters: Filters) -> None:
    """Say why nothing is listed: nothing is there, nothing matches, or the queue is a typo."""
    if filters == Filters():
        output.note("no jobs yet; try: tq run -- echo hello")
        return
    if filters.queue not in {None, DEFAULT_QUEUE}:
        session.run(require_queue(session.broker, filters.queue))
    output.note("no job matches")
