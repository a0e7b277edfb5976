"""`tq start`: jobs that wait for their time, or a retry, go now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tqcli.cli.each import do_to_each
from tqcli.cli.parameter import Argument
from tqcli.client.start import Started
from tqcli.client.start import start as start_job
from tqcli.core.plural import count

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.session import Session
    from tqcli.core.ids import JobId


def start(
    tq: Invocation,
    ids: Annotated[list[str] | None, Argument("ID", help="jobs or groups (@last)", complete="job")] = None,
) -> int:
    """Let jobs go now that wait for their time (--in, --at) or for a retry. Of a group, all that wait.

    They go to the end of their queue. All ids are tried; a job that does not wait is exit code 4.

    Examples:
        tq start @last
        tq start 1xkbbg00a7c3k9mf 1xkbbg00b2f8q1zr.17
    """

    def act(session: Session, job: JobId) -> tuple[Started, str]:
        done = session.run(start_job(session.broker, job))
        return done, _describe(done)

    return do_to_each(tq, ids, act)


def _describe(done: Started) -> str:
    return (
        f"started {done.id}: {count(done.count, 'job')}" if done.was is None else f"started {done.id} (was {done.was})"
    )
