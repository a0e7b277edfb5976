"""`tq result`: what a Python job returned."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec

from tqcli.cli.parameter import Argument
from tqcli.cli.render.ending import explain_job
from tqcli.client.late import find_settled
from tqcli.client.query import Found, count_unrecorded, read_recorded
from tqcli.client.result import load_result
from tqcli.core.exit_status import exit_status, worst
from tqcli.core.expiry import as_of
from tqcli.core.job import Job, describe
from tqcli.core.state import State
from tqcli.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.session import Session
    from tqcli.core.spec import Spec

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
        found = session.run(find_settled(session.broker, job_id))
        is_group = job_id.index is None and found.spec.size is not None
        ends = session.run(_read_group(session, found.spec) if is_group else _read_one(session, _describe(found)))
    for end in ends:
        if end.text is not None:
            tq.output.note(end.text)
    if not is_group:
        if ends[0].element.state is State.SUCCEEDED:
            tq.output.document(ends[0].element.result)
    elif tq.output.json:
        tq.output.document([end.element for end in ends])
    else:
        tq.output.document([end.element.result for end in ends])
    return worst(end.code for end in ends)


class _End(NamedTuple):
    """What is kept of a job, of which a group may have a million: its value, or why it has none."""

    element: _Element
    text: str | None
    code: int


async def _read_group(session: Session, first: Spec) -> list[_End]:
    """Return how the jobs of a group ended, in the order of their indexes; raises as `_conclude`."""
    _check_kind(describe(first, None))
    if waiting := await count_unrecorded(session.broker, first.group):
        msg = f"{waiting:,} jobs of group {first.group} wait: it has no result yet"
        raise Conflict(msg, hint=f"wait for it: tq wait {first.group}")
    ends = [await _conclude(session, _describe(found)) async for found in read_recorded(session.broker, first.group)]
    return sorted(ends, key=attrgetter("element.index"))


async def _read_one(session: Session, job: Job) -> list[_End]:
    return [await _conclude(session, job)]


def _describe(found: Found) -> Job:
    return as_of(describe(*found), datetime.now(UTC))


def _check_kind(job: Job) -> None:
    """Return where the job could have a result.

    Raises:
        InvalidInput: it is a shell job.
    """
    if job.kind != "python":
        msg = f"job {job.id} runs a command, which returns no value"
        raise InvalidInput(msg, hint=f"`tq logs {job.id}` shows what it printed")


async def _conclude(session: Session, job: Job) -> _End:
    """Return how the job ended.

    Raises:
        InvalidInput: as `_check_kind`.
        NotFound: its result is forgotten.
        Conflict: it has not ended.
    """
    _check_kind(job)
    if not job.state.final:
        msg = f"job {job.id} is {job.state}: it has no result yet"
        raise Conflict(msg, hint=f"wait for it: tq wait {job.id}")
    code = exit_status(job.state, job.reason, job.exit_code, job.signal)
    succeeded = job.state is State.SUCCEEDED
    value = msgspec.Raw(await load_result(session.broker, job)) if succeeded else _NULL
    text = None if succeeded else explain_job(job, shown=False)
    return _End(_Element(job.id, job.index, job.state, value), text, code)
