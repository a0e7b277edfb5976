"""Looking at a job that somebody waits for, or wants to end or repeat: one that is too late to start has ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tqcli.client.query import find
from tqcli.core.expiry import is_late
from tqcli.core.ids import JobId
from tqcli.core.state import State

if TYPE_CHECKING:
    from tqcli.client.query import Found
    from tqcli.jetstream.broker import Broker


async def find_settled(broker: Broker, job: JobId) -> Found:
    """Return what `find` returns, once what is too late to start has ended, as far as we may end it.

    Raises:
        NotFound, CorruptRecord: as `find`.
        Unknown, Unavailable: the broker does not answer; repeating is safe.
    """
    found = await find(broker, job)
    spec, record = found
    is_group = job.index is None and spec.size is not None
    # Of a group, what was found is any one of its jobs.
    state = State.QUEUED if is_group or record is None else record.state
    if is_late(state, spec.expires_at, datetime.now(UTC)):
        from tqcli.client.expire import end_late  # noqa: PLC0415 - few jobs are late

        await end_late(broker, job if is_group else JobId(spec.group, spec.index))
        found = await find(broker, job)
    return found
