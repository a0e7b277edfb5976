"""A stage with a default queue, and a way to start agents on it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.support.agents import AgentProcess
from tests.support.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.server import NatsServer


class StartAgent(Protocol):
    """Starts an agent that the test's end stops."""

    def __call__(self, *, slots: int = 2, queues: tuple[str, ...] = ("default",)) -> AgentProcess:
        """Return it once it takes jobs."""
        ...


@pytest.fixture
def stage(nats_server: NatsServer, unique: str) -> Iterator[Stage]:
    """Return a namespace of the test's own."""
    stage = Stage(nats_server.endpoint, unique)
    stage.open("default")
    yield stage
    stage.close()


@pytest.fixture
def start_agent(stage: Stage, tmp_path: Path) -> Iterator[StartAgent]:
    """Return what starts agents on the stage."""
    with ExitStack() as stack:

        def start(*, slots: int = 2, queues: tuple[str, ...] = ("default",)) -> AgentProcess:
            return stack.enter_context(AgentProcess(stage, tmp_path, slots=slots, queues=queues))

        yield start
