"""Doing what `core.schedules.applying` planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.client.queues import require_queue
from tqcli.client.schedules import add_schedule, pause_schedule, remove_schedule, resume_schedule
from tqcli.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tqcli.core.schedules.applying import Change
    from tqcli.jetstream.broker import Broker


async def check_queues(broker: Broker, changes: Iterable[Change]) -> None:
    """Return where each schedule that is added or changed has a queue.

    Raises:
        NotFound: there is no such queue; the message says which schedule needs it.
    """
    wanted = {one.after.definition.template.queue: one.name for one in changes if one.redefined and one.after}
    for queue, name in wanted.items():
        try:
            await require_queue(broker, queue, addable=True)
        except NotFound as error:
            msg = f"schedule {name}: {error.message}"
            raise NotFound(msg, hint=error.hint) from error


async def apply_change(broker: Broker, change: Change) -> None:
    """Make one schedule what it shall be; one that was removed meanwhile by somebody else needs no removing.

    Raises:
        Conflict, NotFound, Forbidden, Unknown, Unavailable: as the functions of `client.schedules`.
    """
    if change.after is None:
        if change.what == "removed":
            try:
                await remove_schedule(broker, change.name)
            except NotFound:
                return
        return
    if change.redefined:
        paused = change.what == "added" and change.pausing is True
        await add_schedule(broker, change.after.definition, replace=change.what == "changed", paused=paused)
    if change.what == "changed" and change.pausing is not None:
        await (pause_schedule if change.pausing else resume_schedule)(broker, change.name)
