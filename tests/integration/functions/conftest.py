"""One stage with one agent for all tests of functions, and a client of it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.support.agents import AgentProcess
from tests.support.stage import Stage
from tests.support.tq import Tq, make_staged_tq
from tqcli import Client
from tqcli.functions import client as client_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server import NatsServer

LONELY = "lonely"
"""A queue that no agent serves."""


@pytest.fixture(scope="session")
def stage(nats_server: NatsServer) -> Iterator[Stage]:
    """Return a namespace of these tests' own, with the queues `default` and `lonely`."""
    stage = Stage(nats_server.endpoint, f"t{secrets.token_hex(6)}")
    stage.open("default", LONELY)
    yield stage
    stage.clear()
    stage.close()


@pytest.fixture(scope="session")
def staged_tq(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Tq:
    """Return a `tq` whose context in use is the stage: its environment is that of programs that use it, too."""
    return make_staged_tq(stage, tmp_path_factory.mktemp("staged"))


@pytest.fixture(scope="session")
def agent(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """Return an agent with four slots."""
    with AgentProcess(stage, tmp_path_factory.mktemp("agent"), slots=4) as agent:
        yield agent


@pytest.fixture
def client(staged_tq: Tq, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Return a client of the stage, which is also the default one."""
    monkeypatch.setenv("TQ_CONFIG_DIR", staged_tq.env["TQ_CONFIG_DIR"])
    with Client(context="stage") as client:
        monkeypatch.setattr(client_module, "_default", [client])
        yield client
