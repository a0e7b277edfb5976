"""One broker and one agent for all of these tests; each has a `tq`, and with it an `@last`, of its own."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.support.agents import AgentProcess
from tests.support.server import NatsServer
from tests.support.stage import Stage
from tests.support.tq import make_staged_tq

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.tq import Tq

UNSERVED = "idle"
"""A queue that is there and that no agent serves: its jobs do what the test makes of them."""


@pytest.fixture(scope="session")
def server() -> Iterator[NatsServer]:
    """Give the server."""
    with NatsServer(user="tq", password=secrets.token_hex(8)) as server:
        yield server


@pytest.fixture(scope="session")
def served(server: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give a stage with a real agent on it, which has four slots and serves the default queue."""
    stage = Stage(server.endpoint, f"t{secrets.token_hex(6)}")
    stage.open("default", UNSERVED)
    with AgentProcess(stage, tmp_path_factory.mktemp("agent"), slots=4):
        yield stage
    stage.close()


@pytest.fixture
def tq(served: Stage, tmp_path: Path) -> Tq:
    """Return a `tq` whose context in use is the stage."""
    return make_staged_tq(served, tmp_path / "home")
