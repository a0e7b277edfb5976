"""A backfill: the jobs of a schedule's past planned times, as far as they are not there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tqcli.client.submit import make_item
from tqcli.core.schedules.rule import planned_between
from tqcli.core.schedules.schedule import make_run
from tqcli.errors import InvalidInput, Unavailable, Unknown
from tqcli.jetstream.api import check_ack
from tqcli.jetstream.enqueue import enqueue
from tqcli.jetstream.lookup import load_many
from tqcli.jetstream.subjects import HEADER_MSG_ID, HEADER_RECHECK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from tqcli.core.schedules.schedule import Run, Schedule
    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker

MAX_BACKFILL = 10_000
_TOGETHER = 250
_MICROSECOND = timedelta(microseconds=1)


def plan_backfill(schedule: Schedule, start: datetime, end: datetime, now: datetime) -> list[Run]:
    """Return the runs of the planned times from `start` to `end`, both included.

    Raises:
        InvalidInput: there are more than 10,000, or `end` is yet to come.
    """
    if end > now:
        msg = f"a backfill ends in the past, not at {end.isoformat(timespec='seconds')}"
        raise InvalidInput(msg, hint="what is yet to come, the schedule does by itself")
    until = schedule.definition.until
    runs: list[Run] = []
    for planned in planned_between(schedule.definition.rule, start - _MICROSECOND, min(end, until or end)):
        if len(runs) == MAX_BACKFILL:
            msg = f"schedule {schedule.name!r} has more than {MAX_BACKFILL:,} planned times in there"
            latest = runs[-1].planned.isoformat()
            raise InvalidInput(msg, hint=f"take one part after the other; the first may go up to {latest}")
        runs.append(make_run(schedule, planned, kind="backfill"))
    return runs


async def submit_missing(
    broker: Broker, specs: Sequence[Spec], *, progress: Callable[[int], None] | None = None
) -> int:
    """Submit those jobs, each of them one of its own, that have neither a message nor a record; return how many.

    `progress` is called with the number of jobs that are dealt with.

    Raises:
        Unknown, Unavailable, QueueFull: as `enqueue`; repeating is safe.
    """
    submitted = 0
    for start in range(0, len(specs), _TOGETHER):
        page = specs[start : start + _TOGETHER]
        submitted += await _submit_page(broker, page)
        if progress is not None:
            progress(start + len(page))
    return submitted


async def _submit_page(broker: Broker, specs: Sequence[Spec]) -> int:
    link, names = broker.link, broker.names
    items = {names.record(spec.group, 0): make_item(names, spec) for spec in specs}
    # Messages first: a job that ends in between has its record by then.
    queued = await load_many(link, names.jobs, [item.subject for item in items.values()])
    ended = await load_many(link, names.records, list(items))
    missing = [item for record, item in items.items() if record not in ended and item.subject not in queued]
    # Not as a batch: of those that somebody else submits just now, the others must not be refused with them.
    under_way = [
        link.post(item.subject, item.spec, headers={HEADER_MSG_ID: item.id, HEADER_RECHECK: "1"}) for item in missing
    ]
    count = 0
    for item, answer in zip(missing, under_way, strict=True):
        try:
            ack = check_ack(await answer, f"job {item.id}")
        except (Unavailable, Unknown):
            ack = await enqueue(broker, item, recheck=True)
        count += not ack.duplicate
    return count
