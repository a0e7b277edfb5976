"""A group on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.render.job import show_state
from tqcli.cli.render.words import clock, one_line, work
from tqcli.cli.table import shorten
from tqcli.core.ending import describe_end
from tqcli.core.plural import count
from tqcli.core.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tqcli.cli.output import Output
    from tqcli.client.query import Group
    from tqcli.core.job import Job

_END_WIDTH = 24


def group_lines(group: Group, now: datetime, output: Output) -> Iterator[str]:
    """Give a group's counts, the first jobs that failed, and what to type next."""
    by = f" by {group.submitted_by}" if group.submitted_by else ""
    name = f" ({one_line(group.name)})" if group.name else ""
    yield f"group {output.paint(group.id, 'bold')}{name}: {count(group.size, 'job')} in the queue {group.queue}"
    yield ", ".join(_counts(group, output))
    yield f"submitted {clock(group.submitted_at, now)}{by}" + (f", retry of {group.retry_of}" if group.retry_of else "")
    if group.failed:
        yield ""
        id_width = max(len(job.id) for job in group.failed)
        yield from (_failed_line(job, id_width, output.width) for job in group.failed)
        more = group.counts[State.FAILED] - len(group.failed)
        if more > 0:
            yield f"  … and {more:,} more"
    yield ""
    yield from (f"  {command:<{len(group.id) + 21}}{what}" for command, what in _next_steps(group))


def _counts(group: Group, output: Output) -> Iterator[str]:
    for state, number in group.counts.items():
        yield f"{number:,} {show_state(state, output)}"
    if group.missing:
        yield f"{group.missing:,} never accepted, or forgotten"


def _failed_line(job: Job, id_width: int, width: int | None) -> str:
    end = describe_end(job).removeprefix("failed with ").removeprefix("failed: ")
    line = f"  {job.id:<{id_width}}  {end:<{_END_WIDTH}}  {work(job)}"
    return line if width is None else shorten(line, width)


def _next_steps(group: Group) -> Iterator[tuple[str, str]]:
    yield f"tq logs {group.id}", "what its jobs printed"
    if not group.final:
        yield f"tq wait {group.id}", "until all have ended"
        yield f"tq cancel {group.id}", "end those that have not"
    elif group.state is State.SUCCEEDED:
        yield f"tq retry {group.id}", "run all of it again"
    else:
        yield f"tq retry --failed {group.id}", "run again what did not succeed"
