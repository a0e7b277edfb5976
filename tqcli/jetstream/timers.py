"""Timers that the broker keeps: a job waits there and fires back into its queue, whoever is alive then.

A timer's message is the job's spec on `timer.at.<group>.<index>`, with the moment in `Nats-Schedule`. At that moment
the server publishes it to `timer.fire.at.<group>.<index>`; any agent moves it from there to its queue, with the mark
that makes the next agent read the record.

The server turns its wheel every 250 ms, so a timer fires up to that late (p50 126 ms, nats-server 2.15.1). It is set
that much early, and whoever gets the firing holds it until its time, which comes along in a header.

A schedule's timer is on `timer.schedule.<name>`; its body is the moment of the next run. It fires to
`timer.fire.schedule.<name>`, early as well.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tqcli.errors import TqError
from tqcli.jetstream.api import call, check_ack
from tqcli.jetstream.lookup import find_first
from tqcli.jetstream.subjects import HEADER_DUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tqcli.core.ids import JobId
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.pull import Delivery
    from tqcli.jetstream.scan import Stored

FAR = timedelta(days=1)
"""What fires later than that may find that the record of its job's end is forgotten: such a timer must not be left."""

LEAD = timedelta(milliseconds=300)
"""So much earlier a timer is set than it is due."""

ENDED = b"ended"
"""The body of a firing that no timer made: a run of the schedule ended."""


async def set_timer(broker: Broker, group: str, index: int, spec: bytes, *, at: datetime) -> None:
    """Store the job until `at`; setting it again replaces nothing that has fired.

    Raises:
        Unknown, Unavailable: the broker does not answer.
    """
    names, early = broker.names, spell_moment(at - LEAD)
    due = {HEADER_DUE: spell_moment(at)}
    await _set(broker, names.timer(group, index), spec, target=names.firing(group, index), moment=early, headers=due)


async def remove_timers(broker: Broker, group: str, index: int) -> None:
    """Remove a job's timers and firings.

    Raises:
        Forbidden: we may not.
        Unknown, Unavailable: the broker does not answer.
    """
    names = broker.names
    for subject in names.timers_of(group, index):
        await call(broker.link, f"STREAM.PURGE.{names.timers}", {"filter": subject})


@contextmanager
def timers_may_stay(done: str, not_before: datetime | None) -> Iterator[None]:
    """Let the removal of a job's timers fail where that does no harm: when they fire, the final record is there.

    Raises:
        TqError: it failed, and the record may be forgotten by then; the message begins with what was `done`.
    """
    try:
        yield
    except TqError as error:
        if not_before is not None and not_before - datetime.now(UTC) > FAR:
            msg = f"{done}, but its timer is still there: {error.message}"
            raise type(error)(msg, hint="repeat it with the right to purge the stream of the timers") from error


async def find_timer(broker: Broker, job: JobId) -> Stored | None:
    """Return the message of a job that waits for its time, or has just fired; of a group, of one of its jobs."""
    names, index = broker.names, "*" if job.index is None else job.index
    for subject in names.timers_of(job.group, index):
        if (stored := await find_first(broker.link, names.timers, subject)) is not None:
            return stored
    return None


def until_due_s(delivery: Delivery, now: datetime) -> float:
    """Return for how many seconds to hold a firing; `now` may be by a clock that is wrong.

    That the server stored the firing says how late it is at least. So none is held for more than `LEAD`.
    """
    if delivery.due is None:
        return 0.0
    try:
        left = datetime.fromisoformat(delivery.due) - max(now, delivery.stored_at)
    except (ValueError, TypeError):  # no agent writes such a header
        return 0.0
    return min(max(left, timedelta(0)), LEAD).total_seconds()


async def set_schedule_timer(broker: Broker, name: str, *, at: datetime) -> None:
    """Have the schedule's planned time looked at when it comes; the timer that was set before is replaced.

    Raises:
        Unknown, Unavailable: the broker does not answer.
    """
    names, body = broker.names, spell_moment(at).encode()
    early = spell_moment(at - LEAD)
    await _set(broker, names.schedule_timer(name), body, target=names.schedule_firing(name), moment=early)


async def tell_schedule(broker: Broker, name: str) -> None:
    """Have some agent look at a schedule, of which a run ended; told in vain, the next sweep finds out."""
    await broker.link.publish(broker.names.schedule_firing(name), ENDED)


async def remove_schedule_timer(broker: Broker, name: str) -> None:
    """Have the schedule's timer, if it has one, fire no more.

    Raises:
        Unknown, Unavailable: the broker does not answer.
    """
    await call(broker.link, f"STREAM.PURGE.{broker.names.timers}", {"filter": broker.names.schedule_timer(name)})


def spell_moment(moment: datetime) -> str:
    """Return a time as timers carry it: in UTC, to the millisecond, and never before it."""
    up = moment.astimezone(UTC) + timedelta(microseconds=-moment.microsecond % 1000)
    return up.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _set(
    broker: Broker, subject: str, body: bytes, *, target: str, moment: str, headers: dict[str, str] | None = None
) -> None:
    given = {"Nats-Schedule": f"@at {moment}", "Nats-Schedule-Target": target, **(headers or {})}
    check_ack(await broker.link.post(subject, body, headers=given), subject)
