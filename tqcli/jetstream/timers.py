"""Timers that the broker keeps: a job waits there and fires back into its queue, whoever is alive then.

A timer's message is the job's spec on `timer.at.<group>.<index>`, with the moment in `Nats-Schedule`. At that moment
the server publishes it to `timer.fire.at.<group>.<index>`; any agent moves it from there to its queue, with the mark
that makes the next agent read the record.

A schedule's timer is on `timer.schedule.<name>`; its body is its moment. It fires to `timer.fire.schedule.<name>`, and
what that means is decided there and then (see `schedules`).
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from tqcli.jetstream.api import call, check_ack

if TYPE_CHECKING:
    from datetime import datetime

    from tqcli.jetstream.broker import Broker


async def set_timer(broker: Broker, group: str, index: int, spec: bytes, *, at: datetime) -> None:
    """Store the job until `at`; setting it again replaces nothing that has fired.

    Raises:
        Unknown, Unavailable: the broker does not answer.
    """
    names = broker.names
    await _set(broker, names.timer(group, index), spec, target=names.firing(group, index), moment=spell_moment(at))


async def set_schedule_timer(broker: Broker, name: str, *, at: datetime) -> None:
    """Have the schedule's planned time looked at when it comes; the timer that was set before is replaced.

    Raises:
        Unknown, Unavailable: the broker does not answer.
    """
    names, moment = broker.names, spell_moment(at)
    await _set(broker, names.schedule_timer(name), moment.encode(), target=names.schedule_firing(name), moment=moment)


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


async def _set(broker: Broker, subject: str, body: bytes, *, target: str, moment: str) -> None:
    headers = {"Nats-Schedule": f"@at {moment}", "Nats-Schedule-Target": target}
    check_ack(await broker.link.post(subject, body, headers=headers), subject)
