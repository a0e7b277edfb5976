"""`tq schedule`: jobs that come again and again, by name.

`define` makes and removes them, `look` shows them, `steer` does to them what an operator wants, `files` declares them.
"""

from __future__ import annotations

from tqcli.cli.commands.schedule.define import add, rm
from tqcli.cli.commands.schedule.files import apply
from tqcli.cli.commands.schedule.look import history, ls, next, show  # noqa: A004 - what the command is called
from tqcli.cli.commands.schedule.steer import backfill, pause, resume, run

__all__ = ["add", "apply", "backfill", "history", "ls", "next", "pause", "resume", "rm", "run", "show"]
