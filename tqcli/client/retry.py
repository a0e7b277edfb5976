"""Running finished jobs again: new jobs under a new id, which name the old ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tqcli.client.late import find_settled
from tqcli.client.origin import load_origin
from tqcli.client.query import read_found
from tqcli.client.submit import submit
from tqcli.core.ids import JobId
from tqcli.core.state import State
from tqcli.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.client.origin import Origin
    from tqcli.client.query import Found
    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker


class Retried(NamedTuple):
    """What runs again: `id` is the new job's, or the new group's, of `size` jobs."""

    id: JobId
    size: int


async def retry(
    broker: Broker, job: JobId, *, failed_only: bool = False, progress: Callable[[int], None] | None = None
) -> Retried:
    """Submit a finished job again, or all jobs of a finished group; with `failed_only`, those that did not succeed.

    An element of a group keeps its index, so its `TQ_INDEX` is what it was. A deadline counts anew from now.

    Raises:
        NotFound: there never was such a job or group, or it is forgotten; or its queue is gone.
        Conflict: it has not ended, or there is nothing to do.
        Unknown, Unavailable, QueueFull: as `submit`.
    """
    first = await find_settled(broker, job)
    origin = load_origin()
    if job.index is None and first.spec.size is not None:
        ended = [found async for found in read_found(broker, job.group)]
    else:
        ended = [first]
    _check_ended(job, ended)
    if failed_only:
        ended = [found for found in ended if found.record and found.record.state is not State.SUCCEEDED]
    if not ended:
        msg = f"nothing of {job} failed"
        raise Conflict(msg, hint=f"without --failed, `tq retry {job}` runs all of it again")
    specs = [_repeat(found.spec, origin, size=None if found.spec.size is None else len(ended)) for found in ended]
    await submit(broker, specs, progress=progress)
    new = JobId(origin.group) if job.index is None else specs[0].id
    return Retried(new, len(specs))


def _check_ended(job: JobId, jobs: list[Found]) -> None:
    alive = [found for found in jobs if found.record is None or not found.record.state.final]
    if not alive:
        return
    if len(jobs) == 1:
        state = alive[0].record.state if alive[0].record else State.QUEUED
        msg = f"job {job} has not ended: it is {state}"
    else:
        msg = f"{len(alive):,} of the {len(jobs):,} jobs of group {job} have not ended"
    raise Conflict(msg, hint=f"`tq wait {job}` waits for the end, `tq cancel {job}` makes one")


def _repeat(spec: Spec, origin: Origin, *, size: int | None) -> Spec:
    expires = None if spec.expires_at is None else origin.now + (spec.expires_at - spec.submitted_at)
    return msgspec.structs.replace(
        spec,
        group=origin.group,
        size=size,
        submitted_at=origin.now,
        submitted_by=origin.submitted_by,
        expires_at=expires,
        retry_of=str(spec.id),
    )
