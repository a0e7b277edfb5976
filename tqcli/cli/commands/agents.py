"""`tq agents`: who is there, and letting one leave."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from tqcli.cli.parameter import Argument
from tqcli.client.agents import drain_agent, list_agents
from tqcli.core.plural import count

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation


def agents(tq: Invocation) -> None:
    """Show the agents and what they run. One that died disappears within 15 seconds.

    Examples:
        tq agents
        tq agents --json | jq '.[].name'
    """
    with tq.session() as session:
        found = session.run(list_agents(session.broker))
    if tq.output.json:
        tq.output.document(found)
        return
    if not found:
        tq.output.note("no agents: `tq agent` runs one here, `tq up` keeps one in the background")
        return
    from tqcli.cli.render.agent import LIST, list_row  # noqa: PLC0415 - JSON needs no table

    now = datetime.now(UTC)
    tq.output.table(LIST, [list_row(agent, now, tq.output) for agent in found])


def drain(tq: Invocation, name: Annotated[str, Argument("NAME", help="the agent", complete="agent")]) -> None:
    """Let an agent finish what it runs, and leave. It takes nothing new from now on.

    Examples:
        tq agents drain build-7-4711
    """
    with tq.session() as session:
        agent = session.run(drain_agent(session.broker, name))
    if tq.output.json:
        tq.output.document(agent)
    else:
        left = f", {count(agent.busy, 'job')} left to run" if agent.busy else ""
        tq.output.line(f"agent {name} drains{left}")
