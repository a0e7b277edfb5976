"""Everything on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.fit import fold
from tqcli.cli.render import agent as agent_render
from tqcli.cli.render import queue as queue_render
from tqcli.cli.render.job import show_state
from tqcli.cli.render.schedule import show_next
from tqcli.cli.render.words import clock
from tqcli.cli.table import draw_table
from tqcli.client.overview import RECENT
from tqcli.core.plural import count
from tqcli.core.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tqcli.cli.output import Output
    from tqcli.cli.table import Column
    from tqcli.client.overview import Overview, Planned

QUEUES_SHOWN = 8
AGENTS_SHOWN = 5
_INDENT = len("recent  ")
_ORDER = (State.SUCCEEDED, State.FAILED, State.CANCELLED, State.EXPIRED)

NOTHING_YET = """\

Nothing here yet. Try:

  tq run -- echo hello       run a command as a job and see what it prints
  tq submit -- sleep 60      submit one and go on; prints its id
  tq agent                   run jobs on this machine until Ctrl-C
"""


def overview_lines(overview: Overview, key: str, now: datetime, output: Output) -> Iterator[str]:
    """Give queues, agents and counts, on a screen of 24 lines where there are not too many of them.

    `key` is what the user calls the broker.
    """
    broker = f"broker  {_show_broker(overview, key)}"
    if overview.unused:
        yield from fold(broker, output.width, hang=_INDENT)
        yield from NOTHING_YET.splitlines()
        return
    queues = sorted(overview.queues, key=lambda queue: (-queue.queued - queue.running, queue.name))
    rows = [queue_render.list_row(queue, now, output) for queue in queues]
    yield from _section(queue_render.LIST, rows, QUEUES_SHOWN, "tq queue ls", output)
    if overview.agents:
        yield ""
        agents = [agent_render.list_row(agent, now, output)[:-1] for agent in overview.agents]
        yield from _section(agent_render.LIST[:-1], agents, AGENTS_SHOWN, "tq agents", output)
    yield ""
    present = f"now     {', '.join(_present(overview, output))}"
    past = f"recent  {', '.join(_past(overview, now, output))}"
    facts = [broker, present, past]
    if overview.schedules.total:
        facts.append(f"planned {_planned(overview.schedules, now, output)}")
    for line in facts:
        yield from fold(line, output.width, hang=_INDENT)
    hints = list(_hints(overview))
    if hints:
        yield ""
    for hint in hints:
        yield from fold(hint, output.width)


def _show_broker(overview: Overview, key: str) -> str:
    """Return the broker as the user calls it, and its address; a server that was named by its URL is just that."""
    return overview.server if "://" in key else f"{key}, at {overview.server}"


def _section(
    columns: Sequence[Column], rows: list[list[str]], most: int, command: str, output: Output
) -> Iterator[str]:
    if rows:
        yield from draw_table(columns, rows[:most], width=output.width)
    if len(rows) > most:
        yield f"… and {len(rows) - most:,} more: {command}"


def _present(overview: Overview, output: Output) -> Iterator[str]:
    yield f"{overview.running:,} {show_state(State.RUNNING, output)}"
    yield f"{overview.queued:,} queued"
    if overview.waiting:
        yield f"{overview.waiting:,} waiting for their time"


def _past(overview: Overview, now: datetime, output: Output) -> Iterator[str]:
    if not overview.recent:
        yield "nothing has ended yet"
        return
    for state in _ORDER:
        if number := overview.recent.get(state):
            yield f"{number:,} {show_state(state, output)}"
    if overview.since is not None:
        since = f"since {clock(overview.since, now)}"
        yield f"{since}, of the last {RECENT:,}" if overview.more else since


def _planned(schedules: Planned, now: datetime, output: Output) -> str:
    parts = [count(schedules.total, "schedule")]
    if schedules.paused:
        parts.append(f"{schedules.paused:,} {output.paint('paused', 'yellow')}")
    if schedules.trouble:
        parts.append(f"{schedules.trouble:,} in {output.paint('trouble', 'red')}")
    if schedules.next is not None and schedules.next_at is not None:
        parts.append(f"next {schedules.next} {show_next(schedules.next_at, now)}")
    return ", ".join(parts)


def _hints(overview: Overview) -> Iterator[str]:
    """Give what a user should do about what waits in vain, or may want to look at."""
    for queue in overview.queues:
        if queue.queued and not queue.agents:
            jobs = count(queue.queued, "job")
            verb = "waits" if queue.queued == 1 else "wait"
            yield f"{jobs} {verb} in {queue.name}, which no agent serves: tq agent -q {queue.name}"
        elif queue.queued and queue.paused:
            yield f"{queue.name} is paused: tq queue resume {queue.name}"
    if overview.recent.get(State.FAILED):
        yield "what failed: tq ls --state failed"
    if overview.schedules.trouble:
        yield "which schedules are in trouble: tq schedule ls"
    if not overview.queues and not overview.recent:
        yield "try: tq run -- echo hello"
