"""What `tq schedule apply` changes, as a diff: `+` added, `~` changed, `-` removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.fit import fold, measure
from tqcli.cli.render.schedule import describe_next
from tqcli.cli.render.words import one_line
from tqcli.cli.table import Column, draw_table
from tqcli.core.schedules.rule import describe_rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tqcli.cli.output import Output
    from tqcli.core.schedules.applying import Change

_LOOKS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
_FIELDS = (Column("", rank=0), Column(""), Column(""), Column(""))
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
        yield from _difference_lines(change, output.width)


def _difference_lines(change: Change, width: int | None) -> Iterator[str]:
    """Give a line for each option; where they don't fit, two below each other: what is cut off may be what changes."""
    rows = [[one.option, one.old, "→", one.new] for one in change.differences]
    lines = [f"{_INDENT}{line}" for line in draw_table(_FIELDS, rows, width=None)] if rows else []
    if width is None or all(measure(line) <= width for line in lines):
        yield from lines
        return
    for one in change.differences:
        yield f"{_INDENT}{one.option}"
        for sign, value in (("-", one.old), ("+", one.new)):
            start = f"{_INDENT}  {sign} "
            yield from fold(f"{start}{one_line(value)}", width, hang=len(start))


def count_changes(changes: Sequence[Change], *, done: bool) -> str:
    """Return how many schedules are or would be added, changed, removed, and how many stay as they are."""
    parts = []
    for what in ("added", "changed", "removed", "unchanged"):
        number = sum(change.what == what for change in changes)
        if number or what == "unchanged":
            parts.append(f"{number:,} {what}")
    return ", ".join(parts) + ("" if done else "; this was a dry run: nothing was done")
