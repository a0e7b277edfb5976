"""URLs of servers."""

from __future__ import annotations

import pytest

from tqcli.errors import SettingsError
from tqcli.jetstream.address import Address, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("nats://host", Address("nats", "host", 4222)),
        ("host", Address("nats", "host", 4222)),
        ("host:4223", Address("nats", "host", 4223)),
        ("tls://host.example:443/", Address("tls", "host.example", 443)),
        ("nats://ann:pw@host:1", Address("nats", "host", 1, "ann", "pw")),
        ("nats://ann:p%40%2fw@host", Address("nats", "host", 4222, "ann", "p@/w")),
        ("nats://token@host", Address("nats", "host", 4222, "token", None)),
        ("nats://[::1]:4223", Address("nats", "::1", 4223)),
    ],
)
def test_url_is_read(url: str, address: Address) -> None:
    """Scheme and port may be left out, and credentials may be escaped."""
    assert parse_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://host",
        "ws://host",
        "nats://",
        "nats://host:0",
        "nats://host:65536",
        "nats://a b",
        "nats://a,b:c",
        "nats://a..b",
        "nats://.a",
        f"nats://{'x' * 64}.example",
        f"nats://{'ü' * 60}",
        "nats://a\0b",
    ],
)
def test_other_text_is_a_wrong_setting(url: str) -> None:
    """What is no URL of a NATS server is refused, with the form that is right."""
    with pytest.raises(SettingsError) as caught:
        parse_address(url)
    assert "nats://HOST:PORT" in str(caught.value.hint)


def test_shown_url_has_no_credentials() -> None:
    """The form for messages leaves the password out."""
    assert parse_address("nats://ann:secret@[::1]").url == "nats://[::1]:4222"


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:secret@host",
        "ann:secret@host:99999",
        "secret@host:99999",
        "nats://ann:secret/@host",
        "nats://ann:@secret@host",
        "ann:secret\n@host:0",
        "NATS://ann:secret@host",
    ],
)
def test_a_wrong_url_is_shown_without_its_credentials(url: str) -> None:
    """Whatever comes before the last @ may be one."""
    with pytest.raises(SettingsError) as caught:
        parse_address(url)
    assert "secret" not in caught.value.message
    assert "host" in caught.value.message
