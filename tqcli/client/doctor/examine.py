"""The examination: every check, in the order in which one thing needs another."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tqcli.client.doctor import durability, fleet, residue, server, storage
from tqcli.client.doctor.finding import Finding, fail
from tqcli.errors import TqError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tqcli.jetstream.broker import Broker

REPEAT = "mend what is said above first, then run `tq doctor` again"


class Surroundings(NamedTuple):
    """What the broker does not tell of itself.

    Of the local server how often it syncs and the folder of its store; of any other the URL of its monitoring port.
    """

    sync: str | None = None
    folder: str | None = None
    monitor: str | None = None


async def examine(broker: Broker, known: Surroundings) -> AsyncIterator[Finding]:
    """Yield the findings as they come."""
    checks = {
        "server": partial(server.check, broker),
        "storage": partial(storage.check, broker, folder=known.folder),
        "durability": partial(durability.check, broker, sync=known.sync, monitor=known.monitor),
        "residue": partial(residue.check, broker),
        "fleet": partial(fleet.check, broker),
    }
    for name, check in checks.items():
        try:
            findings = await check()
        except TqError as error:
            findings = [fail(name, error.message, error.hint or REPEAT)]
        for finding in findings:
            yield finding
