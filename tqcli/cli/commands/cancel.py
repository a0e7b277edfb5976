"""`tq cancel`: the end of jobs, wherever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tqcli.cli.each import do_to_each
from tqcli.cli.parameter import Argument
from tqcli.client.cancel import Cancelled
from tqcli.client.cancel import cancel as cancel_job
from tqcli.core.plural import count
from tqcli.core.state import State

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.session import Session
    from tqcli.core.ids import JobId


def cancel(
    tq: Invocation,
    ids: Annotated[list[str] | None, Argument("ID", help="jobs or groups (@last)", complete="job")] = None,
) -> int:
    """End jobs, wherever they are: queued, waiting for a retry, or running. Of a group, all that have not ended.

    A running job gets TERM, and KILL after its grace time. All ids are tried; a job that has ended already is exit
    code 4. Repeating is safe.

    Examples:
        tq cancel @last
        tq cancel 1xkbbg00a7c3k9mf 1xkbbg00b2f8q1zr.17
    """

    def act(session: Session, job: JobId) -> tuple[Cancelled, str]:
        done = session.run(cancel_job(session.broker, job))
        return done, _describe(done)

    return do_to_each(tq, ids, act)


def _describe(done: Cancelled) -> str:
    if done.was is None:
        before = f", {done.ended:,} had ended before" if done.ended else ""
        return f"cancelled {done.id}: {count(done.count, 'job')}{before}"
    where = f" on {done.agent}" if done.was is State.RUNNING and done.agent else ""
    return f"cancelled {done.id} (was {done.was}{where})"
