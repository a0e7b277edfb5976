"""Fixtures of the tests that talk to a real nats-server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.support.links import LINKS, Runner
from tests.support.server import NatsServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    """Return a server that all tests of the session share: don't stop it, and use names of your own."""
    with NatsServer(user="tq", password=secrets.token_hex(8)) as server:
        yield server


@pytest.fixture
def fresh_server() -> Iterator[NatsServer]:
    """Return a server of the test's own."""
    with NatsServer(user="tq", password=secrets.token_hex(8)) as server:
        yield server


@pytest.fixture
def unique() -> str:
    """Return a name that no other test uses."""
    return f"t{secrets.token_hex(6)}"


@pytest.fixture(params=LINKS, ids=lambda runner: runner.__name__.removeprefix("run_"))
def run(request: pytest.FixtureRequest) -> Runner:
    """Return what runs a scenario over a link: the test is repeated for each kind of link."""
    runner: Runner = request.param
    return runner
