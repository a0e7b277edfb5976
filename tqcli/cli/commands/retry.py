"""`tq retry`: finished jobs again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from tqcli.cli.parameter import Argument, Option
from tqcli.client.retry import retry as retry_job
from tqcli.core.exit_status import worst
from tqcli.errors import TqError

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation


class _Retried(msgspec.Struct):
    """What `--json` prints."""

    id: str
    group: str
    size: int
    retry_of: str


def retry(
    tq: Invocation,
    ids: Annotated[list[str] | None, Argument("ID", help="jobs or groups (@last)", complete="job")] = None,
    *,
    failed: Annotated[bool, Option("--failed", help="of a group, only the jobs that did not succeed")] = False,
) -> int:
    """Run finished jobs again, and print the new id of each alone on a line. The new job names the old one.

    A group is run again as a group, with the same indexes. A job that has not ended is exit code 4.

    Examples:
        tq retry @last
        tq wait $(tq retry --failed 1xkbbg00a7c3k9mf)
    """
    codes = []
    with tq.session() as session:
        jobs = session.ids(ids or [])
        for job in jobs:
            try:
                new = session.run(retry_job(session.broker, job, failed_only=failed))
            except TqError as error:
                if len(jobs) == 1:
                    raise
                tq.output.error(error)
                codes.append(error.exit_code)
                continue
            session.remember(new.id)
            if tq.output.json:
                tq.output.document(_Retried(str(new.id), new.id.group, new.size, str(job)))
            else:
                tq.output.line(str(new.id))
    return worst(codes)
