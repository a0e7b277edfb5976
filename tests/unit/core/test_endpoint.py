"""Endpoints."""

from __future__ import annotations

from tqcli.core.endpoint import Endpoint


def test_endpoint_in_a_log_shows_no_secret() -> None:
    """Neither passwords, tokens nor URLs, which may hold both, are printed."""
    endpoint = Endpoint(servers=("nats://ada:swordfish@host",), name="prod", password="swordfish", token="swordfish")  # noqa: S106
    assert "swordfish" not in f"{endpoint!r} {endpoint}"
    assert "prod" in repr(endpoint)
