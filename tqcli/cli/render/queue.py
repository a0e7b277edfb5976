"""Queues on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.render.words import clock
from tqcli.cli.table import Column

if TYPE_CHECKING:
    from datetime import datetime

    from tqcli.cli.output import Output
    from tqcli.client.queues import Queue

LIST = (
    Column("QUEUE", rank=0),
    Column("QUEUED", number=True, rank=1),
    Column("RUNNING", number=True, rank=1),
    Column("LIMIT", number=True, rank=3),
    Column("AGENTS", number=True, rank=3),
    Column("SLOTS", number=True, rank=4),
    Column("STATE", shrinks=True, rank=2),
)


def list_row(queue: Queue, now: datetime, output: Output) -> list[str]:
    """Return the queue's cells below `LIST`."""
    return [
        queue.name,
        f"{queue.queued:,}",
        f"{queue.running:,}",
        "-" if queue.limit is None else f"{queue.limit:,}",
        f"{queue.agents:,}",
        f"{queue.slots:,}",
        _state(queue, now, output),
    ]


def _state(queue: Queue, now: datetime, output: Output) -> str:
    if not queue.paused:
        return "open"
    until = "" if queue.paused_until is None else f" until {clock(queue.paused_until, now)}"
    return output.paint(f"paused{until}", "yellow")
