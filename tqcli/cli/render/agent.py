"""Agents on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.render.words import age, one_line
from tqcli.cli.table import Column

if TYPE_CHECKING:
    from datetime import datetime

    from tqcli.cli.output import Output
    from tqcli.jetstream.presence import Presence

LIST = (
    Column("AGENT", shrinks=True),
    Column("HOST", shrinks=True),
    Column("QUEUES", shrinks=True),
    Column("BUSY", number=True),
    Column("SLOTS", number=True),
    Column("UP", number=True),
    Column("STATE"),
    Column("RUNS", shrinks=True),
)


def list_row(agent: Presence, now: datetime, output: Output) -> list[str]:
    """Return the agent's cells below `LIST`."""
    return [
        one_line(agent.name),
        one_line(agent.host),
        ",".join(agent.queues),
        f"{agent.busy:,}",
        f"{agent.slots:,}",
        age(agent.started_at, now),
        show_state(agent, output),
        " ".join(agent.running),
    ]


def show_state(agent: Presence, output: Output) -> str:
    """Return what the agent does, in a word."""
    if agent.draining:
        return output.paint("draining", "yellow")
    return "busy" if agent.busy else "idle"
