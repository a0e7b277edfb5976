"""Commands on a broker of which the test knows everything: a stage, and a `tq` whose context is that stage."""

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


@pytest.fixture(scope="session")
def shared_server() -> Iterator[NatsServer]:
    """Give a server for all tests, each of which has a namespace of its own."""
    with NatsServer(user="tq", password=secrets.token_hex(8)) as server:
        yield server


@pytest.fixture
def bare_stage(shared_server: NatsServer) -> Iterator[Stage]:
    """Give a stage on which nothing was ever done."""
    stage = Stage(shared_server.endpoint, f"t{secrets.token_hex(6)}")
    yield stage
    stage.clear()
    stage.close()


@pytest.fixture
def stage(bare_stage: Stage) -> Stage:
    """Return a stage with the streams and the default queue."""
    bare_stage.open("default")
    return bare_stage


@pytest.fixture
def tq(bare_stage: Stage, tmp_path: Path) -> Tq:
    """Return a `tq` whose context in use is the stage."""
    return make_staged_tq(bare_stage, tmp_path / "home")


@pytest.fixture
def agent(stage: Stage, tmp_path: Path) -> Iterator[AgentProcess]:
    """Give a real agent with two slots that serves the default queue."""
    with AgentProcess(stage, tmp_path) as process:
        yield process
