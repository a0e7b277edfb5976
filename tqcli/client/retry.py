"""Running finished jobs again: new jobs under a new id, which name the old ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tqcli.client.late import find_settled
from tqcli.client.origin import load_origin
from tqcli.client.paging import in_pages
from tqcli.client.query import PAGE, count_unrecorded, read_recorded
from tqcli.client.submit import submit
from tqcli.core.glance import glance
from tqcli.core.ids import JobId
from tqcli.core.state import State
from tqcli.errors import Conflict, Unavailable, Unknown
from tqcli.jetstream.scan import oldest_first

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.client.origin import Origin
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
    found = await find_settled(broker, job)
    origin = load_origin()
    if job.index is None and found.spec.size is not None:
        return await _retry_group(broker, found.spec, origin, failed_only=failed_only, progress=progress)
    state = State.QUEUED if found.record is None else found.record.state
    if not state.final:
        msg = f"job {job} has not ended: it is {state}"
        raise _not_ended(job, msg)
    if failed_only and state is State.SUCCEEDED:
        raise _nothing_failed(job)
    spec = _repeat(found.spec, origin, size=None if found.spec.size is None else 1)
    await submit(broker, [spec], progress=progress)
    return Retried(JobId(origin.group) if job.index is None else spec.id, 1)


async def _retry_group(
    broker: Broker, first: Spec, origin: Origin, *, failed_only: bool, progress: Callable[[int], None] | None
) -> Retried:
    """Count what there is to do, and then do it by the page: a group may be larger than memory."""
    job = JobId(first.group)
    unrecorded = await count_unrecorded(broker, first.group)
    counts = dict.fromkeys(State, 0)
    records = oldest_first(broker.link, broker.names.records, broker.names.records_of(first.group), page=PAGE)
    async for stored in records:
        counts[glance(stored.body).state] += 1
    total = unrecorded + sum(counts.values())
    alive = total - sum(count for state, count in counts.items() if state.final)
    if alive:
        msg = f"{alive:,} of the {total:,} jobs of group {job} have not ended"
        raise _not_ended(job, msg)
    size = total - counts[State.SUCCEEDED] if failed_only else total
    if not size:
        raise _nothing_failed(job)
    done = 0
    async for page in in_pages(read_recorded(broker, first.group), PAGE):
        specs = [
            _repeat(found.spec, origin, size=size)
            for found in page
            if not (failed_only and found.record and found.record.state is State.SUCCEEDED)
        ]
        try:
            if specs:
                await submit(broker, specs)
        except (Unavailable, Unknown) as error:
            error.message = f"after {done:,} of {size:,} jobs of the new group {origin.group}: {error.message}"
            error.args = (error.message,)
            raise
        done += len(specs)
        if progress is not None:
            progress(done)
    return Retried(JobId(origin.group), size)


def _not_ended(job: JobId, msg: str) -> Conflict:
    return Conflict(msg, hint=f"`tq wait {job}` waits for the end, `tq cancel {job}` makes one")


def _nothing_failed(job: JobId) -> Conflict:
    msg = f"nothing of {job} failed"
    return Conflict(msg, hint=f"without --failed, `tq retry {job}` runs all of it again")


def _repeat(spec: Spec, origin: Origin, *, size: int | None) -> Spec:
    expires = None if spec.expires_at is None else origin.now + (spec.expires_at - spec.submitted_at)
    return msgspec.structs.replace(
        spec,
        group=origin.group,
        size=size,
        submitted_at=origin.now,
        submitted_by=origin.submitted_by,
        not_before=None,
        expires_at=expires,
        retry_of=str(spec.id),
    )
