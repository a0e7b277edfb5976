"""The server that the crash points share."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.support.server import NatsServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def nats_server() -> Iterator[NatsServer]:
    """Return a server that syncs each message before it answers, as tq's own one does."""
    with NatsServer(user="tq", password=secrets.token_hex(8), sync="always") as server:
        yield server
