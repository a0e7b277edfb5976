"""Server URLs as users write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.errors import InvalidInput
from tqcli.settings.urls import ServerUrl, parse_server_url, parse_servers


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("nats://broker.example:4333", "nats://broker.example:4333"),
        ("tls://broker.example", "tls://broker.example:4222"),
        ("broker.example", "nats://broker.example:4222"),
        ("Broker.Example:5", "nats://broker.example:5"),
        ("10.0.0.1:4222/", "nats://10.0.0.1:4222"),
        ("nats://[::1]:4222", "nats://[::1]:4222"),
        ("nats://[fe80::1]", "nats://[fe80::1]:4222"),
    ],
)
def test_url_is_completed(text: str, url: str) -> None:
    """Scheme and port may be left out."""
    assert parse_server_url(text) == ServerUrl(url)


def test_credentials_leave_the_url() -> None:
    """What is shown never has them; they may be percent-encoded."""
    parsed = parse_server_url("tls://ann:p%40ss@broker.example")
    assert parsed == ("tls://broker.example:4222", "ann", "p@ss", None)


def test_lone_name_before_the_host_is_a_token() -> None:
    """As NATS has it."""
    assert parse_server_url("nats://s3cr3t@host") == ("nats://host:4222", None, None, "s3cr3t")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://broker.example",
        "ws://broker.example",
        "nats://",
        "nats://:4222",
        "nats://broker.example:0",
        "nats://broker.example:65536",
        "nats://broker.example:port",
        "nats://broker.example/path",
        "nats://broker.example?tls=1",
        "nats://bro ker",
        "nats://broker\n.example",
        "nats://broker\x1b[31m",
        "nats://brökér",
        "nats://[::1",
        "nats://" + "a" * 10_000,
    ],
)
def test_what_is_no_nats_url_is_refused(text: str) -> None:
    """Nothing of it reaches a socket."""
    with pytest.raises(InvalidInput, match="is not a NATS server's URL") as caught:
        parse_server_url(text)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 100


def test_refusal_shows_no_password() -> None:
    """It may end up in a log."""
    with pytest.raises(InvalidInput) as caught:
        parse_server_url("http://ann:hunter2@broker.example")
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_a_url_or_invalid_input(text: str) -> None:
    """And what a URL gives is a URL again."""
    try:
        parsed = parse_server_url(text)
    except InvalidInput:
        return
    assert parse_server_url(parsed.url) == ServerUrl(parsed.url)


def test_several_servers_share_one_login() -> None:
    """It may stand in any of them, commas or not."""
    urls, login = parse_servers(["a, nats://ann:pw@b:1", "a"])
    assert urls == ("nats://a:4222", "nats://b:1")
    assert (login.user, login.password) == ("ann", "pw")


def test_servers_with_different_logins_are_refused() -> None:
    """They are one cluster."""
    with pytest.raises(InvalidInput, match="different credentials"):
        parse_servers(["ann:x@a", "bob:y@b"])


@pytest.mark.parametrize("texts", [[], [""], [" , "]])
def test_no_server_is_refused(texts: list[str]) -> None:
    """A context has at least one."""
    with pytest.raises(InvalidInput, match="no server is named"):
        parse_servers(texts)
