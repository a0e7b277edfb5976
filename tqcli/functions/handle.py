"""A job that was submitted, as its submitter holds it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tqcli.client.cancel import cancel
from tqcli.client.logs import read_output
from tqcli.client.printed import Which
from tqcli.client.query import resolve
from tqcli.client.result import load_result
from tqcli.client.wait import wait_for
from tqcli.client.watch import JobWatch
from tqcli.core.duration import format_duration
from tqcli.core.ending import describe_end
from tqcli.core.job import Job
from tqcli.core.state import State
from tqcli.core.unpack import unpack
from tqcli.core.values import Misfit, may_have_tags
from tqcli.errors import (
    Conflict,
    CorruptRecord,
    InvalidInput,
    JobCancelled,
    JobExpired,
    JobFailed,
    NotEnded,
    TqError,
)
from tqcli.functions.entrypoint import find_class
from tqcli.jetstream.logs import CUT
from tqcli.jetstream.presence import read_agents

if TYPE_CHECKING:
    from collections.abc import Generator

    from tqcli.core.ids import JobId
    from tqcli.functions.background import Background
    from tqcli.jetstream.broker import Broker

R_co = TypeVar("R_co", covariant=True)
_ENDS: dict[State, type[JobFailed]] = {State.CANCELLED: JobCancelled, State.EXPIRED: JobExpired}


class Handle(Generic[R_co]):
    """One job. Each method has a twin for coroutines with an `a` before its name, and `await handle` is its result.

    `id` is the job's id. `existed` is True where its `key` had been submitted before: this is that job.
    All of them raise `NotFound` where there is no such job any more, and `Unavailable` where the broker can't be asked.
    """

    def __init__(self, background: Background, job_id: JobId, *, owner: object, existed: bool = False) -> None:
        """Nothing is asked yet. `owner` leaves the broker when nobody has it any more, so a handle keeps it."""
        self.id = str(job_id)
        self.existed = existed
        self._job_id = job_id
        self._background = background
        self._owner = owner

    def __repr__(self) -> str:
        """Return what tells it from others."""
        return f"<Handle {self.id}>"

    def __await__(self) -> Generator[Any, None, R_co]:
        """Return the result; raises as `result`."""
        return self.aresult().__await__()

    def result(self, timeout: timedelta | float | None = None) -> R_co:
        """Return what the function returned, waiting for it; `timeout` in seconds, or a timedelta.

        Raises:
            JobFailed: the job did not succeed; as JobCancelled or JobExpired, it was cancelled or too late to start.
            NotEnded: it has not ended within the timeout; it goes on.
            CorruptRecord: what it returned can't be made again here, such as an instance of an unknown class.
        """
        value: R_co = _conclude(*self._background.run(lambda broker: self._load_end(broker, _to_timedelta(timeout))))
        return value

    async def aresult(self, timeout: timedelta | float | None = None) -> R_co:  # noqa: ASYNC109 - of the job
        """Return what the function returned; as `result`."""
        value: R_co = _conclude(
            *await self._background.arun(lambda broker: self._load_end(broker, _to_timedelta(timeout)))
        )
        return value

    def wait(self, timeout: timedelta | float | None = None) -> bool:
        """Return whether the job has ended, well or not, waiting for that up to `timeout`."""
        return self._background.run(lambda broker: self._wait(broker, _to_timedelta(timeout))).state.final

    def state(self) -> State:
        """Return where the job is."""
        return self._background.run(self._load).state

    async def astate(self) -> State:
        """Return where the job is."""
        return (await self._background.arun(self._load)).state

    def logs(self) -> str:
        """Return what the last attempt has printed so far, on stdout and stderr."""
        return self._background.run(self._load_logs)

    async def alogs(self) -> str:
        """Return what the last attempt has printed so far, on stdout and stderr."""
        return await self._background.arun(self._load_logs)

    def cancel(self) -> bool:
        """End the job, wherever it is; return False where it had ended."""
        return self._background.run(self._cancel)

    async def acancel(self) -> bool:
        """End the job, wherever it is; return False where it had ended."""
        return await self._background.arun(self._cancel)

    async def _load(self, broker: Broker) -> Job:
        found = await resolve(broker, self._job_id)
        if not isinstance(found, Job):
            raise self._is_group()
        return found

    async def _wait(self, broker: Broker, within: timedelta | None) -> Job:
        (watch,) = await wait_for(broker, [self._job_id], within=within)
        if not isinstance(watch, JobWatch):
            raise self._is_group()
        return watch.job

    async def _load_end(self, broker: Broker, within: timedelta | None) -> tuple[Job, bytes]:
        """Return the job, and its result as JSON."""
        job = await self._wait(broker, within)
        if not job.state.final:
            waited = "" if within is None else f" after {format_duration(within)}"
            msg = f"job {job.id} is still {job.state}{waited}"
            raise NotEnded(msg, hint=await _explain_silence(broker, job))
        return job, await load_result(broker, job)

    async def _load_logs(self, broker: Broker) -> str:
        job = await self._load(broker)
        parts = []
        async for printed in read_output(broker, job, Which.LAST):
            cut = printed.frame.stream == CUT
            parts.append(b"\n[\xe2\x80\xa6 output not kept \xe2\x80\xa6]\n" if cut else printed.frame.data)
        return b"".join(parts).decode(errors="replace")

    async def _cancel(self, broker: Broker) -> bool:
        try:
            await cancel(broker, self._job_id)
        except Conflict:
            return False
        return True

    def _is_group(self) -> InvalidInput:
        return InvalidInput(f"{self.id} is a group of jobs", hint=f"its first one may be {self.id}.0 or {self.id}.1")


def _to_timedelta(timeout: timedelta | float | None) -> timedelta | None:
    return timedelta(seconds=timeout) if isinstance(timeout, (int, float)) else timeout


async def _explain_silence(broker: Broker, job: Job) -> str | None:
    """Return what to do for a job that does not end, where it is known."""
    if job.state is not State.QUEUED:
        return None
    try:
        agents = await read_agents(broker)
    except TqError:
        return None
    if any(job.queue in agent.queues for agent in agents):
        return None
    return f"no agent serves the queue {job.queue}: `tq agent -q {job.queue}` starts one"


def _conclude(job: Job, result: bytes) -> Any:
    """Return what the job returned.

    Raises:
        JobFailed: it did not succeed.
        CorruptRecord: its result can't be read.
    """
    if job.state is not State.SUCCEEDED:
        error = job.error
        raise _ENDS.get(job.state, JobFailed)(
            f"job {job.id} {describe_end(job)}" if job.state is State.FAILED else f"job {job.id} was {job.state}",
            job=job.id,
            state=str(job.state),
            reason=None if job.reason is None else str(job.reason),
            type=None if error is None else error.type,
            message=None if error is None else error.message,
            traceback=None if error is None else error.traceback,
        )
    value = json.loads(result)
    if not may_have_tags(result):
        return value
    try:
        return unpack(value, find_class)
    except Misfit as misfit:
        msg = f"the result of job {job.id}: {misfit.describe('value')}"
        raise CorruptRecord(msg, hint=f"`tq result {job.id}` shows it as it is stored") from misfit.__cause__
