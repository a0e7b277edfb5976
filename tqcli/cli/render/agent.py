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
    Column("AGENT", rank=0),
    Column("HOST", shrinks=True, rank=6),
    Column("QUEUES", shrinks=True, rank=3),
    Column("BUSY", number=True, rank=2),
    Column("SLOTS", number=True, rank=4),
    Column("UP", number=True, rank=5),
    Column("STATE", rank=1),
    Column("RUNS", rank=3),
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
        _show_running(agent, output),
    ]


def _show_running(agent: Presence, output: Output) -> str:
    """Return the jobs that it runs; on a terminal one of them, and how many more there are."""
    if output.width is None or len(agent.running) <= 1:
        return " ".join(agent.running)
    return f"{agent.running[0]} +{max(agent.busy, len(agent.running)) - 1:,}"


def show_state(agent: Presence, output: Output) -> str:
    """Return what the agent does, in a word."""
    if agent.draining:
        return output.paint("draining", "yellow")
    return "busy" if agent.busy else "idle"
