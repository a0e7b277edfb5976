"""Timers that the broker keeps: a job waits there and fires back into its queue, whoever is alive then.

A timer's message is the job's spec on `timer.at.<group>.<index>`, with the moment in `Nats-Schedule`. At that moment
the server publishes it to `timer.fire.at.<group>.<index>`; any agent moves it from there to its queue, with the mark
that makes the next agent read the record.

A schedule's timer is on `timer.schedule.<name>`; its body is the moment of the next run. It fires to
`timer.fire.schedule.<name>`, a little early, and whoever gets the firing holds it until then.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from tqcli.jetstream.api import call, check_ack

if TYPE_CHECKING:
    from datetime import datetime

    from tqcli.jetstream.broker import Broker

LEAD = timedelta(milliseconds=300)
"""So much earlier than needed a timer is set: the server's wheel turns every 250 ms (nats-server 2.15.1)."""

ENDED = b"ended"
"""The body of a firing that no timer made: a run of the schedule ended."""


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


async def _set(broker: Broker, subject: str, body: bytes, *, target: str, moment: str) -> None:
    headers = {"Nats-Schedule": f"@at {moment}", "Nats-Schedule-Target": target}
    check_ack(await broker.link.post(subject, body, headers=headers), subject)
