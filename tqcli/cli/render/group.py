"""A group on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.fit import fold, shorten
from tqcli.cli.render.job import show_state
from tqcli.cli.render.steps import step_lines
from tqcli.cli.render.words import clock, one_line, work
from tqcli.cli.table import Column, draw_table
from tqcli.core.ending import describe_end
from tqcli.core.plural import count
from tqcli.core.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tqcli.cli.output import Output
    from tqcli.client.query import Group
    from tqcli.core.job import Job

_INDENT = "  "
_FAILED = (Column("", rank=0), Column("", rank=1), Column("", shrinks=True, rank=2))


def group_lines(group: Group, now: datetime, output: Output) -> Iterator[str]:
    """Give a group's counts, the first jobs that failed, and what to type next."""
    for line in _facts(group, now, output):
        yield from fold(line, output.width)
    if group.failed:
        yield ""
        yield from _failed_lines(group, output)
    yield ""
    yield from step_lines(_next_steps(group), output)


def _facts(group: Group, now: datetime, output: Output) -> Iterator[str]:
    by = f" by {group.submitted_by}" if group.submitted_by else ""
    name = f" ({one_line(group.name)})" if group.name else ""
    yield f"group {output.paint(group.id, 'bold')}{name}: {count(group.size, 'job')} in the queue {group.queue}"
    yield ", ".join(_counts(group, output))
    yield f"submitted {clock(group.submitted_at, now)}{by}" + (f", retry of {group.retry_of}" if group.retry_of else "")


def _counts(group: Group, output: Output) -> Iterator[str]:
    for state, number in group.counts.items():
        yield f"{number:,} {show_state(state, output)}"
    if group.missing:
        yield f"{group.missing:,} never accepted, or forgotten"


def _failed_lines(group: Group, output: Output) -> Iterator[str]:
    width = None if output.width is None else max(output.width - len(_INDENT), 1)
    rows = [[job.id, _describe_failure(job), work(job)] for job in group.failed]
    if width is not None:
        # Why it failed comes before what it is.
        room = max(width - max(len(job.id) for job in group.failed) - len(_INDENT), 1)
        rows = [[name, shorten(end, room), work] for name, end, work in rows]
    yield from (f"{_INDENT}{line}" for line in draw_table(_FAILED, rows, width=width))
    more = group.counts[State.FAILED] - len(group.failed)
    if more > 0:
        yield f"{_INDENT}… and {more:,} more"


def _describe_failure(job: Job) -> str:
    return describe_end(job).removeprefix("failed with ").removeprefix("failed: ")


def _next_steps(group: Group) -> Iterator[tuple[str, str]]:
    yield f"tq logs {group.id}", "what its jobs printed"
    if not group.final:
        if group.counts.keys() & {State.SCHEDULED, State.RETRYING}:
            yield f"tq start {group.id}", "let those go now that wait"
        yield f"tq wait {group.id}", "until all have ended"
        yield f"tq cancel {group.id}", "end those that have not"
    elif group.state is State.SUCCEEDED:
        yield f"tq retry {group.id}", "run all of it again"
    else:
        yield f"tq retry --failed {group.id}", "run again what did not succeed"
