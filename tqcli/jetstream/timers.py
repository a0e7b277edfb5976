"""Timers that the broker keeps: a job waits there and fires back into its queue, whoever is alive then.

A timer's message is the job's spec on `timer.at.<group>.<index>`, with the moment in `Nats-Schedule`. At that moment
the server publishes it to `timer.fire.at.<group>.<index>`; any agent moves it from there to its queue, with the mark
that makes the next agent read the record.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from tqcli.jetstream.api import check_ack

if TYPE_CHECKING:
    from datetime import datetime

    from tqcli.jetstream.broker import Broker


async def set_timer(broker: Broker, group: str, index: int, spec: bytes, *, at: datetime) -> None:
    """Store the job until `at`; setting it again replaces nothing that has fired.

    Raises:
        Unknown, Unavailable: the broker does not answer.
    """
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    headers = {"Nats-Schedule": f"@at {moment}", "Nats-Schedule-Target": broker.names.firing(group, index)}
    subject = broker.names.timer(group, index)
    check_ack(await broker.link.post(subject, spec, headers=headers), subject)
