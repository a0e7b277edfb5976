"""`tq result`: what a Python job returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from tqcli.cli.parameter import Argument
from tqcli.cli.waiting import conclude
from tqcli.client.query import Group, read_jobs, resolve
from tqcli.core.exit_status import worst
from tqcli.core.state import State
from tqcli.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.session import Session
    from tqcli.core.job import Job

_NULL = msgspec.Raw(b"null")


class _Element(msgspec.Struct, frozen=True):
    """What `--json` prints of each job of a group."""

    id: str
    index: int | None
    state: State
    result: msgspec.Raw


def result(
    tq: Invocation,
    id_: Annotated[str, Argument("ID", help="the job (@last)", complete="job")] = "@last",
) -> int:
    """Print the value that a Python job returned, as JSON.

    Of a group, a list in the order of the indexes, with null for jobs that failed; with --json, a list of objects with
    id, index, state and result. A job that failed has no result: the exit code is the job's, and stderr says why.

    Examples:
        tq submit --py math:factorial --args '[20]' && tq wait && tq result
        tq result 1xkbbg00a7c3k9mf | jq .rows
    """
    with tq.session() as session:
        (job_id,) = session.ids([id_])
        found = session.run(resolve(session.broker, job_id))
        jobs = session.run(_read_group(session, found)) if isinstance(found, Group) else [found]
    for job in jobs:
        _check(job)
    codes = [conclude(tq.output, job) for job in jobs]
    if not isinstance(found, Group):
        if found.state is State.SUCCEEDED:
            tq.output.document(_value(found))
    elif tq.output.json:
        tq.output.document([_Element(job.id, job.index, job.state, _value(job)) for job in jobs])
    else:
        tq.output.document([_value(job) for job in jobs])
    return worst(codes)


async def _read_group(session: Session, group: Group) -> list[Job]:
    return [job async for job in read_jobs(session.broker, group.group)]


def _check(job: Job) -> None:
    """Return where the job has a result, or could have had one.

    Raises:
        InvalidInput: it is a shell job.
        Conflict: it has not ended.
    """
    if job.kind != "python":
        msg = f"job {job.id} runs a command, which returns no value"
        raise InvalidInput(msg, hint=f"`tq logs {job.id}` shows what it printed")
    if not job.state.final:
        msg = f"job {job.id} is {job.state}: it has no result yet"
        raise Conflict(msg, hint=f"wait for it: tq wait {job.id}")


def _value(job: Job) -> msgspec.Raw:
    return job.result if job.result is not None and job.state is State.SUCCEEDED else _NULL
