"""What `tq schedule apply` changes, as a diff: `+` added, `~` changed, `-` removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.render.schedule import describe_next
from tqcli.cli.table import Column, draw_table
from tqcli.core.rule import describe_rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tqcli.cli.output import Output
    from tqcli.core.applying import Change

_LOOKS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
_FIELDS = (Column("", rank=0), Column("", shrinks=True, rank=1), Column("", rank=1), Column("", shrinks=True, rank=1))
_INDENT = "    "


def change_lines(changes: Sequence[Change], zone: str, now: datetime, output: Output) -> Iterator[str]:
    """Give a line for each schedule that changes, and below it one for each option."""
    for change in changes:
        if change.what == "unchanged":
            continue
        sign, look = _LOOKS[change.what]
        told = ""
        if change.what == "added" and (schedule := change.after) is not None:
            told = f"  {describe_rule(schedule.definition.rule)}, "
            told += "paused" if change.pausing else describe_next(schedule, zone, now)
        yield f"{output.paint(f'{sign} {change.name}', look)}{told}"
        rows = [[one.option, one.old, "→", one.new] for one in change.differences]
        width = None if output.width is None else max(output.width - len(_INDENT), 1)
        if rows:
            yield from (f"{_INDENT}{line}" for line in draw_table(_FIELDS, rows, width=width))


def count_changes(changes: Sequence[Change], *, done: bool) -> str:
    """Return how many schedules are or would be added, changed, removed, and how many stay as they are."""
    parts = []
    for what in ("added", "changed", "removed", "unchanged"):
        number = sum(change.what == what for change in changes)
        if number or what == "unchanged":
            parts.append(f"{number:,} {what}")
    return ", ".join(parts) + ("" if done else "; this was a dry run: nothing was done")
