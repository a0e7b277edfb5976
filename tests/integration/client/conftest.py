"""A stage for each test: a namespace of its own on the shared server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server import NatsServer


@pytest.fixture
def bare_stage(nats_server: NatsServer, unique: str) -> Iterator[Stage]:
    """Return a stage on which nothing was ever done."""
    stage = Stage(nats_server.endpoint, unique)
    yield stage
    stage.clear()
    stage.close()


@pytest.fixture
def stage(bare_stage: Stage) -> Stage:
    """Return a stage with the streams and the default queue."""
    bare_stage.open("default")
    return bare_stage
