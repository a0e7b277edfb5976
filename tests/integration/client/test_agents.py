"""Agents, seen and drained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.links import meanwhile
from tests.support.stage import Stage
from tqcli.client.agents import drain_agent, list_agents
from tqcli.errors import InvalidInput, NotFound, Unknown
from tqcli.jetstream.presence import announce, withdraw

if TYPE_CHECKING:
    from collections.abc import Callable


def test_agents_come_by_name(stage: Stage) -> None:
    """As they described themselves."""
    stage.announce("host-b", slots=8, busy=3)
    stage.announce("host-a")
    agents = stage.run(list_agents(stage.broker))
    assert [(agent.name, agent.slots, agent.busy) for agent in agents] == [("host-a", 2, 0), ("host-b", 8, 3)]


def test_agent_that_left_is_gone(stage: Stage) -> None:
    """Even where the server still has announcements to store when it is told to remove the entry."""

    async def leave() -> None:
        for _ in range(200):
            await announce(stage.broker, presence)
        await withdraw(stage.broker, presence)

    presence = stage.announce("host-a")
    for _ in range(20):
        stage.run(leave())
        assert stage.run(list_agents(stage.broker)) == []


def test_unused_broker_has_no_agents(bare_stage: Stage) -> None:
    """Missing streams are no outage."""
    assert bare_stage.run(list_agents(bare_stage.broker)) == []


def test_unknown_agent_suggests_the_near_one(stage: Stage) -> None:
    """Nothing is sent."""
    stage.announce("builder-1")
    with pytest.raises(NotFound, match="no agent 'bilder-1'") as caught:
        stage.run(drain_agent(stage.broker, "bilder-1"))
    assert caught.value.hint == "did you mean 'builder-1'?"


def test_bad_name_is_refused(stage: Stage) -> None:
    """It would drain all agents."""
    with pytest.raises(InvalidInput):
        stage.run(drain_agent(stage.broker, "*"))


def answer_drain(stage: Stage, name: str, act: Callable[[Stage], object]) -> Callable[[], None]:
    """Return what waits until the agent is asked to drain, and then does `act`, on a link of its own."""
    agent = Stage(stage.endpoint, stage.names.namespace)
    subscription = agent.run(agent.link.subscribe(agent.names.drain(name)))

    def wait() -> None:
        assert agent.run(subscription.next(10.0)) is not None
        act(agent)
        agent.close()

    return wait


def test_drain_ends_when_the_agent_confirms(stage: Stage) -> None:
    """It says so in its own entry."""
    stage.announce("host-a", busy=1)
    agent = answer_drain(stage, "host-a", lambda agent: agent.announce("host-a", busy=1, draining=True))
    with meanwhile(agent):
        assert stage.run(drain_agent(stage.broker, "host-a")).busy == 1


def test_drain_ends_when_the_agent_left_at_once(stage: Stage) -> None:
    """It had nothing to finish."""
    stage.announce("host-a")
    purge = f"$JS.API.STREAM.PURGE.{stage.names.agents}"
    with meanwhile(answer_drain(stage, "host-a", lambda agent: agent.put(purge, b""))):
        assert stage.run(drain_agent(stage.broker, "host-a")).name == "host-a"


def test_silent_agent_leaves_the_drain_unknown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be frozen, and drain later."""
    monkeypatch.setattr("tqcli.client.agents.CONFIRM_S", 0.3)
    stage.announce("host-a")
    with pytest.raises(Unknown, match="does not confirm"):
        stage.run(drain_agent(stage.broker, "host-a"))
