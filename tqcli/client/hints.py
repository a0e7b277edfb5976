"""Whether a job has ended: hints, and what is stored.

A record is published before it is known whether it was accepted, and a batch before it is committed. So a record that
comes by subscription is a hint, and only a stored one says that a job ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tqcli.client.late import find_settled
from tqcli.client.patience import insist
from tqcli.core.glance import glance
from tqcli.core.state import State
from tqcli.jetstream.records import load_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.client.query import Found
    from tqcli.core.glance import Glance
    from tqcli.core.ids import JobId
    from tqcli.core.record import Record
    from tqcli.jetstream.broker import Broker

LOOK_AGAIN_S = 5.0
"""Without news for so long, the streams are asked: a subscription may miss a message."""

_PAUSES_S = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""A record is seen before it is stored: earlier by a sync of the disk, or by as much as a replica lags behind."""


def is_final(record: Glance | Record) -> bool:
    """Return whether the job has ended."""
    return record.state.final


def is_over(attempt: int) -> Callable[[Glance | Record], bool]:
    """Return what tells whether this attempt has ended, even if the job has not."""

    def tell(record: Glance | Record) -> bool:
        running = record.attempt == attempt and record.state is State.RUNNING
        return record.state.final or (record.attempt >= attempt and not running)

    return tell


def is_hint(body: bytes, over: Callable[[Glance | Record], bool]) -> bool:
    """Return whether this record, stored or not, may be the one that was waited for."""
    try:
        return over(glance(body))
    except msgspec.DecodeError:
        return True


async def confirm(broker: Broker, job_id: JobId, over: Callable[[Glance | Record], bool]) -> Record | None:
    """Return the record that a hint spoke of, or None where it is not stored after all."""
    for pause_s in _PAUSES_S:
        if pause_s:
            await broker.link.sleep(pause_s)
        snapshot = await insist(broker, lambda: load_record(broker, job_id.group, job_id.index or 0))
        if snapshot is not None and over(snapshot.record):
            return snapshot.record
    return None


async def look(broker: Broker, job_id: JobId) -> Found:
    """Return what is stored of a job that is waited for; what is too late to start has ended, where we may end it.

    Raises:
        NotFound: nothing is: it was purged, or its stream was.
    """
    return await insist(broker, lambda: find_settled(broker, job_id))
