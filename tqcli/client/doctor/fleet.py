"""Are the agents well, and does every job that waits have one that will run it?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tqcli import __version__
from tqcli.client.doctor.finding import Finding, fail, warn, well
from tqcli.client.queues import Queue, list_queues
from tqcli.core.duration import humanize
from tqcli.core.plural import count
from tqcli.jetstream.presence import Presence, read_agents

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

SILENT_S = 10.0
"""An agent tells of itself every 5 s; its entry ends 15 s after the last word."""

AHEAD_S = 1.0
WEAK = "process group"


async def check(broker: Broker) -> list[Finding]:
    """Return what there is to say about agents and queues."""
    agents = await read_agents(broker)
    now = datetime.now(UTC)
    found = [finding for agent in agents for finding in judge_agent(agent, now)]
    if agents and not found:
        found.append(well("agents", f"{len(agents)} there, of this version, heard of within {SILENT_S:.0f} s"))
    return found + [finding for queue in await list_queues(broker) for finding in judge_queue(queue)]


def judge_agent(agent: Presence, now: datetime) -> list[Finding]:
    """Return what is wrong with one agent, as it told of itself."""
    found = []
    silent_s = (now - agent.seen_at).total_seconds()
    if silent_s > SILENT_S:
        text = f"{agent.name} told of itself {humanize(now - agent.seen_at)} ago, by its own clock"
        found.append(warn("agents", text, f"look at its log on {agent.host}, and at that host's clock"))
    elif silent_s < -AHEAD_S:
        text = f"the clock of {agent.name} is {humanize(agent.seen_at - now)} ahead of this host's"
        found.append(warn("agents", text, f"let {agent.host} set its clock by NTP"))
    if agent.version != __version__:
        text = f"{agent.name} is tq {agent.version}, this is {__version__}"
        found.append(
            warn("agents", text, f"bring both to one version: tq agents drain {agent.name}, then start it anew")
        )
    if agent.containment == WEAK:
        text = f"{agent.host} can't hold a job's processes together: one that leaves its group survives"
        found.append(warn("agents", text, "it needs Linux 3.4 or newer, for PR_SET_CHILD_SUBREAPER"))
    return found


def judge_queue(queue: Queue) -> list[Finding]:
    """Return what is wrong with one queue."""
    if queue.agents or not queue.queued or queue.paused:
        return []
    text = f"no agent serves {queue.name}, where {count(queue.queued, 'job')} wait{'s' * (queue.queued == 1)}"
    return [fail("queues", text, f"tq agent -q {queue.name}")]
