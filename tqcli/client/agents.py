"""Agents, as an operator sees and steers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.core.names import check_name
from tqcli.core.nearest import nearest
from tqcli.errors import NotFound, Unknown
from tqcli.jetstream.control import tell
from tqcli.jetstream.presence import Presence, read_agents

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

CONFIRM_S = 8.0
_ASK_EVERY = 5
_PAUSE_S = 0.1


async def list_agents(broker: Broker) -> list[Presence]:
    """Return the agents that are there, by name."""
    return await read_agents(broker)


async def drain_agent(broker: Broker, name: str) -> Presence:
    """Let an agent finish what it runs, and leave; return it as it was when it agreed.

    Raises:
        NotFound: there is no such agent.
        Unknown: it does not say that it drains, within 8 seconds.
    """
    check_name(name, noun="agent")
    found = await _find(broker, name)
    if found is None:
        agents = [agent.name for agent in await read_agents(broker)]
        near = nearest(name, agents)
        msg = f"no agent {name!r}"
        raise NotFound(msg, hint=f"did you mean {near!r}?" if near else "`tq agents` lists those that are there")
    for turn in range(int(CONFIRM_S / _PAUSE_S)):
        if found.draining:
            return found
        if turn % _ASK_EVERY == 0:
            await tell(broker.link, [broker.names.drain(name)])
        await broker.link.sleep(_PAUSE_S)
        latest = await _find(broker, name)
        if latest is None:  # it had nothing to finish, and left
            return found
        found = latest
    msg = f"the agent {name!r} does not confirm that it drains"
    raise Unknown(msg, hint="asking again is safe; `tq agents` shows what it does")


async def _find(broker: Broker, name: str) -> Presence | None:
    return next((agent for agent in await read_agents(broker) if agent.name == name), None)
