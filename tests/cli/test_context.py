"""`tq context`: the brokers that a user knows by name."""

from __future__ import annotations

import json
import secrets
import stat
from typing import TYPE_CHECKING

import pytest

from tests.support.server import NatsServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.tq import Tq

NOBODY = "nats://127.0.0.1:1"


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    """Give a server that asks for a password."""
    with NatsServer(user="ann", password=secrets.token_hex(8)) as server:
        yield server


def login(server: NatsServer) -> list[str]:
    """Return the options that reach the server."""
    return ["--server", server.url, "--user", "ann", "--password", server.password or ""]


def test_added_context_is_used_by_every_command(tq: Tq, server: NatsServer) -> None:
    """Once it is the one in use."""
    done = tq("context", "add", "prod", *login(server), "--use")
    assert (done.code, done.text, done.stderr) == (0, "context prod added, and in use", "")
    assert tq("queue", "add", "gpu").code == 0
    assert "gpu" in tq("queue", "ls").text


def test_settings_are_for_their_owner_alone(tq: Tq, server: NatsServer) -> None:
    """They hold a password."""
    tq("context", "add", "prod", *login(server))
    path = tq.home / "config" / "contexts.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (server.password or "") in path.read_text()


@pytest.mark.parametrize("words", [("ls",), ("show", "prod"), ("ls", "--json"), ("show", "prod", "--json")])
def test_secrets_are_never_shown(tq: Tq, server: NatsServer, words: tuple[str, ...]) -> None:
    """Somebody may look over your shoulder."""
    tq("context", "add", "prod", *login(server))
    done = tq("context", *words)
    assert done.code == 0
    assert server.url in done.text
    assert (server.password or "") not in done.text + done.stderr


def test_password_is_asked_for_on_a_terminal(tq: Tq, server: NatsServer) -> None:
    """And not shown while it is typed."""
    words = ("context", "add", "prod", "--server", server.url, "--user", "ann", "--use")
    with tq.on_terminal(*words) as terminal:
        terminal.read_until("Password of ann:")
        terminal.send(f"{server.password}\n".encode())
        assert terminal.wait() == 0
    assert (server.password or "") not in terminal.screen
    assert "warning" not in terminal.screen
    assert tq("queue", "ls").code == 0


def test_unreachable_broker_is_kept_with_a_warning(tq: Tq) -> None:
    """A laptop may be offline."""
    done = tq("context", "add", "prod", "--server", NOBODY, timeout_s=10)
    assert done.code == 0
    assert "warning:" in done.stderr
    assert NOBODY in done.stderr
    assert "prod" in tq("context", "ls").text


def test_wrong_password_is_told_when_it_is_added(tq: Tq, server: NatsServer) -> None:
    """Not first when a job is submitted."""
    done = tq("context", "add", "prod", "--server", server.url, "--user", "ann", "--password", "wrong")
    assert done.code == 0
    assert "warning:" in done.stderr
    assert "wrong" not in done.stdout.decode() + done.stderr


def test_check_can_be_left_out(tq: Tq) -> None:
    """For those who set up many."""
    done = tq("context", "add", "prod", "--server", NOBODY, "--no-check")
    assert (done.code, done.text) == (0, "context prod added")
    assert "warning" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--server", "nats://a.example,nats://b.example"),
        ("--server", "nats://a.example", "--server", "nats://b.example"),
    ],
)
def test_broker_may_have_several_servers(tq: Tq, words: tuple[str, ...]) -> None:
    """With commas, or one by one."""
    assert tq("context", "add", "prod", *words, "--no-check").code == 0
    _, context = json.loads(tq("context", "ls", "--json").stdout)
    assert context["servers"] == ["nats://a.example:4222", "nats://b.example:4222"]


def test_context_in_use_is_marked(tq: Tq) -> None:
    """`local` is tq's own broker."""
    tq("context", "add", "prod", "--server", NOBODY, "--no-check")
    _, local, prod = tq("context", "ls").text.splitlines()
    assert (local.split()[:2], prod.split()[:2]) == (["*", "local"], ["prod", NOBODY])
    assert tq("context", "use", "prod").text == "context prod is in use"
    assert tq("context", "ls").text.splitlines()[2].split()[:2] == ["*", "prod"]
    assert tq("context", "use", "local").text == "context local is in use"
    assert tq("context", "ls").text.splitlines()[1].split()[:2] == ["*", "local"]


def test_context_in_use_is_shown(tq: Tq) -> None:
    """Where none is named."""
    assert "local" in tq("context", "show").text
    tq("context", "add", "prod", "--server", NOBODY, "--no-check", "--use", "--namespace", "mine")
    text = tq("context", "show").text
    assert NOBODY in text
    assert "mine" in text


def test_forgotten_context_is_no_longer_used(tq: Tq) -> None:
    """Commands go to tq's own broker again, and that is said."""
    tq("context", "add", "prod", "--server", NOBODY, "--no-check", "--use")
    done = tq("context", "rm", "prod")
    assert (done.code, done.text) == (0, "context prod removed")
    assert "it was in use" in done.stderr
    assert json.loads(tq("context", "ls", "--json").stdout) == [{"name": "local", "servers": [], "current": True}]


@pytest.mark.parametrize("verb", ["use", "show", "rm"])
def test_unknown_context_is_exit_3(tq: Tq, verb: str) -> None:
    """With the near name."""
    tq("context", "add", "prod", "--server", NOBODY, "--no-check")
    done = tq("context", verb, "pord")
    assert (done.code, done.stdout) == (3, b"")
    assert "'prod'" in done.stderr


def test_name_is_taken_once(tq: Tq) -> None:
    """Unless it is to be replaced."""
    words = ("context", "add", "prod", "--no-check", "--server")
    assert tq(*words, NOBODY).code == 0
    taken = tq(*words, "nats://other.example")
    assert taken.code == 4
    assert "--replace" in taken.stderr
    assert tq(*words, "nats://other.example", "--replace").code == 0
    assert "other.example" in tq("context", "show", "prod").text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("prod",), "needs a server"),
        (("prod", "--server", NOBODY, "--user", "ann"), "no terminal to ask for the password of 'ann'"),
        (("prod", "--server", NOBODY, "--token", ""), "the token is empty"),
        (("prod", "--server", NOBODY, "--tls-ca", ""), "the tls-ca is empty"),
        (("local", "--server", NOBODY), "stands for tq's own broker"),
        (("a.b", "--server", NOBODY), "can't name a context"),
        (("prod", "--server", "http://x"), "server"),
        (("prod", "--server", NOBODY, "--creds", "/no/such/file"), "/no/such/file"),
        (("prod", "--server", NOBODY, "--token", "a", "--user", "b", "--password", "c"), "different ways to log in"),
    ],
)
def test_wrong_input_adds_nothing(tq: Tq, words: tuple[str, ...], message: str) -> None:
    """Exit code 2, and the file is not made."""
    done = tq("context", "add", *words)
    assert (done.code, done.stdout) == (2, b"")
    assert message in done.stderr
    assert not (tq.home / "config" / "contexts.toml").exists()


def test_refused_credentials_are_traced_to_their_source(tq: Tq, server: NatsServer) -> None:
    """The context by its name, a URL by its option or variable."""
    tq("context", "add", "prod", "--server", server.url, "--user", "ann", "--password", "wrong", "--no-check")
    url = server.url.replace("//", "//ann:wrong@")
    for words, env, source in [
        (("--context", "prod"), {}, "tq context show prod"),
        (("--server", url), {}, "in the URL of --server"),
        ((), {"TQ_SERVER": url}, "in the URL of TQ_SERVER"),
    ]:
        for command in ("status", "agent"):
            done = tq(*words, command, env=env)
            assert done.code == 77, done
            assert source in done.stderr
