"""Jobs that come before their time, be it that of `--in` and `--at` or a retry's: they wait at the broker.

Such a job needs no slot and no agent for that. Its timer brings it back into its queue, where any agent finds it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tqcli.agent.desk import now
from tqcli.core.state import State
from tqcli.errors import TqError
from tqcli.jetstream.lookup import find_first
from tqcli.jetstream.records import load_record
from tqcli.jetstream.subjects import split_job_subject
from tqcli.jetstream.timers import FAR, remove_timers, set_timer

if TYPE_CHECKING:
    from datetime import datetime

    from tqcli.agent.desk import Desk
    from tqcli.core.record import Record
    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.pull import Delivery

EARLY = timedelta(milliseconds=50)
"""So shortly before its time a job waits in its slot: a timer would take longer."""


def start_at(spec: Spec, record: Record) -> datetime | None:
    """Return before which moment the job must not start, if there is one."""
    if record.state is State.RETRYING:
        return record.retry_at
    return None if record.attempt else spec.not_before


async def load_time(desk: Desk, delivery: Delivery) -> datetime:
    """Return the time by the clock that timers go by; where it can't be asked, by this host's.

    It is as late at least as when the message was stored: a clock behind would send a job round and round.
    """
    try:
        time = await desk.clock.now()
    except TqError:
        time = now()
    return max(time, delivery.stored_at)


async def wait_at_broker(desk: Desk, delivery: Delivery, at: datetime) -> None:
    """Let the broker hold the job until then; its delivery can be settled after that.

    Raises:
        Unknown, Unavailable: the broker does not answer.
    """
    *_, group, index = split_job_subject(delivery.subject)
    await set_timer(desk.broker, group, index, delivery.body, at=at)
    if at - await load_time(desk, delivery) > FAR and await _is_needless(desk.broker, delivery, group, index):
        await remove_timers(desk.broker, group, index)


async def _is_needless(broker: Broker, delivery: Delivery, group: str, index: int) -> bool:
    """Return whether the job ended, or was sent on its way again, while its timer was set: by a user, that is.

    Either is written before timers are removed, so what is set after that is seen here. Nearer timers may stay: when
    they fire, the record is there.
    """
    snapshot = await load_record(broker, group, index)
    if snapshot is not None and snapshot.record.state.final:
        return True
    newer = await find_first(broker.link, broker.names.jobs, delivery.subject, start=delivery.sequence + 1)
    return newer is not None
