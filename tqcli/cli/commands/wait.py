"""`tq wait`: until jobs have ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

from tqcli.cli.parameter import Argument, Option
from tqcli.cli.unserved import warn_locally
from tqcli.cli.waiting import conclude, print_document
from tqcli.cli.waiting import wait as wait_for
from tqcli.client.watch import JobWatch
from tqcli.core.exit_status import EXIT_TIMEOUT, worst

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.client.watch import GroupWatch
    from tqcli.core.ids import JobId


def wait(
    tq: Invocation,
    ids: Annotated[list[str] | None, Argument("ID", help="jobs or groups (@last)", complete="job")] = None,
    *,
    any_: Annotated[bool, Option("--any", help="until one of them has ended")] = False,
    timeout: Annotated[
        timedelta | None, Option("--timeout", metavar="D", help="give up after this long: 90s, 1h")
    ] = None,
) -> int:
    """Wait until jobs have ended, and end as the job did, or as the worst of several.

    Ends with 124 where --timeout ran out first. With --any, prints the id of the one that ended first, and ends as it
    did. With --json, each job or group that it ends for is printed as a document on a line of its own. Ctrl-C ends the
    waiting, not the jobs.

    Examples:
        tq wait @last && echo done
        tq wait --timeout 10m 1xkbbg00a7c3k9mf
        id=$(tq submit --array 1-100 -- ./simulate) && tq wait $id
    """
    with tq.session() as session:
        warn = partial(warn_locally, session, tq.output)
        asked = session.ids(ids or [])
        try:
            watches = wait_for(session, tq.output, asked, any_=any_, within=timeout, on_unfinished=warn)
        except KeyboardInterrupt:
            tq.output.note(_explain_leaving(asked))
            raise
        ended = [watch for watch in watches if watch.is_over]
        if any_ and ended:
            ended = [min(ended, key=_ended_at)]
        if tq.output.json:
            for watch in ended:
                print_document(session, tq.output, watch)
        elif any_:
            tq.output.lines(str(watch.id) for watch in ended)
    code = worst(conclude(tq.output, watch.job if isinstance(watch, JobWatch) else watch) for watch in ended)
    if not ended or (len(ended) < len(watches) and not any_):
        left = len(watches) - len(ended)
        tq.output.note(f"tq: {left} of {len(watches)} {'has' if left == 1 else 'have'} not ended")
        return EXIT_TIMEOUT
    return code


def _explain_leaving(jobs: list[JobId]) -> str:
    words = " ".join(map(str, jobs))
    if len(jobs) == 1:
        return f"tq: job {words} goes on; `tq wait {words}` waits for it"
    return f"tq: the {len(jobs):,} jobs go on; `tq wait {words}` waits for them"


def _ended_at(watch: JobWatch | GroupWatch) -> datetime:
    # A group without any of its jobs ended by being missing.
    return watch.ended_at or datetime.max.replace(tzinfo=UTC)
