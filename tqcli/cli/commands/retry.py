"""`tq retry`: finished jobs again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from tqcli.cli.each import do_to_each
from tqcli.cli.parameter import Argument, Option
from tqcli.client.retry import retry as retry_job

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.session import Session
    from tqcli.core.ids import JobId


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

    def act(session: Session, job: JobId) -> tuple[_Retried, str]:
        new = session.run(retry_job(session.broker, job, failed_only=failed))
        session.remember(new.id)
        return _Retried(str(new.id), new.id.group, new.size, str(job)), str(new.id)

    return do_to_each(tq, ids, act)
