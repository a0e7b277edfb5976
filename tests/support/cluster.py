"""Three nats-servers that are one cluster, on the loopback interface."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import msgspec

from tests.support.eventually import eventually
from tests.support.server import NatsServer, free_port
from tqcli.errors import TqError
from tqcli.jetstream.api import call
from tqcli.jetstream.plain import connect_plain, drive

if TYPE_CHECKING:
    from tqcli.core.endpoint import Endpoint

ELECTED_S = 30.0


class Cluster:
    """A cluster that is there when the context begins: it has its leader."""

    def __init__(self, size: int = 3) -> None:
        """Prepare `size` servers."""
        password = secrets.token_hex(8)
        ports = [free_port() for _ in range(size)]
        routes = ", ".join(f"nats-route://127.0.0.1:{port}" for port in ports)
        self.servers = [
            NatsServer(
                user="tq",
                password=password,
                sync="always",
                config=f"cluster {{ name: tq-test, listen: 127.0.0.1:{port}, routes: [{routes}] }}",
            )
            for port in ports
        ]
        self._stack = ExitStack()

    @property
    def endpoint(self) -> Endpoint:
        """How to reach any of them."""
        return msgspec.structs.replace(self.servers[0].endpoint, servers=tuple(server.url for server in self.servers))

    def __enter__(self) -> Self:
        """Start them all."""
        for server in self.servers:
            self._stack.enter_context(server)
        eventually(self.has_leader, ELECTED_S)
        return self

    def __exit__(self, *_: object) -> None:
        """Kill them all."""
        self._stack.close()

    def has_leader(self) -> bool:
        """Return whether JetStream answers."""
        try:
            link = connect_plain(self.endpoint)
            try:
                drive(call(link, "INFO", timeout_s=1.0))
            finally:
                drive(link.close())
        except TqError:
            return False
        return True
