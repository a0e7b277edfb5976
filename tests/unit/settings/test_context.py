"""Building a context from what a user gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tqcli.core.endpoint import Endpoint
from tqcli.errors import InvalidInput
from tqcli.settings.context import Context, Login, build_anonymous, build_context, show_context, to_endpoint

if TYPE_CHECKING:
    from pathlib import Path

ANN = {"user": "ann", "password": "hunter2"}
TOKEN = {"token": "t"}


def test_context_becomes_an_endpoint() -> None:
    """Field by field."""
    context = build_context("prod", ["ann:hunter2@a", "tls://b:1"], namespace="jobs")
    expected = Endpoint(servers=("nats://a:4222", "tls://b:1"), name="prod", namespace="jobs", **ANN)
    assert to_endpoint(context) == expected


def test_files_are_made_absolute(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The context is used from everywhere."""
    (home / "user.creds").write_text("x")
    monkeypatch.chdir(home)
    assert build_context("prod", ["a"], Login(creds="user.creds")).creds == str(home / "user.creds")


def test_tilde_in_a_file_is_the_home(home: Path) -> None:
    """A shell leaves it alone after `--creds=`."""
    (home / "user.creds").write_text("x")
    assert build_context("prod", ["a"], Login(creds="~/user.creds")).creds == str(home / "user.creds")


@pytest.mark.parametrize("field", ["creds", "nkey", "tls_ca"])
def test_missing_file_is_refused_by_name(field: str) -> None:
    """Now, not at the first connection."""
    with pytest.raises(InvalidInput, match=f"the {field.replace('_', '-')} file '/nowhere/x' can't be read: No such"):
        build_context("prod", ["a"], Login(**{field: "/nowhere/x"}))


def test_folder_is_no_credentials_file(home: Path) -> None:
    """It is there, but can't be read."""
    with pytest.raises(InvalidInput, match="Is a directory"):
        build_context("prod", ["a"], Login(creds=str(home)))


@pytest.mark.parametrize(
    ("login", "message"),
    [
        (Login(user="ann"), "the user has no password"),
        (Login(password=ANN["password"]), "the password has no user"),
        (Login(**TOKEN, **ANN), "user and token are different ways to log in"),
        (Login(creds="/dev/null", **TOKEN), "token and creds are different ways to log in"),
        (Login(tls_cert="/dev/null"), "needs both its certificate and its key"),
        (Login(tls_key="/dev/null"), "needs both its certificate and its key"),
    ],
)
def test_credentials_that_do_not_go_together_are_refused(login: Login, message: str) -> None:
    """Each combination says what is wrong."""
    with pytest.raises(InvalidInput, match=message):
        build_context("prod", ["a"], login)


def test_credentials_in_url_and_option_are_refused() -> None:
    """Nobody guesses which one counts."""
    with pytest.raises(InvalidInput, match="the URL and an option"):
        build_context("prod", ["ann:pw@a"], Login(**ANN))


@pytest.mark.parametrize("name", ["local", "Prod", "a.b", "", "a" * 65, "-x", "a b", "a\nb"])
def test_name_that_can_not_be_is_refused(name: str) -> None:
    """`local` is tq's own broker."""
    with pytest.raises(InvalidInput, match="name"):
        build_context(name, ["a"])


def test_namespace_is_checked() -> None:
    """It stands in every subject."""
    with pytest.raises(InvalidInput, match="namespace"):
        build_context("prod", ["a"], namespace="a.*")


def test_bare_server_is_a_context_named_by_its_url() -> None:
    """Without the credentials."""
    context = build_anonymous("ann:pw@a")
    assert (context.name, context.user, context.password) == ("nats://a:4222", "ann", "pw")


def test_secrets_are_not_shown() -> None:
    """Neither to a user nor in a traceback."""
    context = build_context("prod", ["a"], Login(user="ann", password=ANN["password"]))
    assert show_context(context) == {
        "name": "prod",
        "servers": ("nats://a:4222",),
        "namespace": "tq",
        "user": "ann",
        "password": "***",
    }
    assert ANN["password"] not in repr(context)


def test_every_field_of_a_context_reaches_the_endpoint() -> None:
    """The two are the same fields."""
    assert set(Context.__struct_fields__) == set(Endpoint.__struct_fields__)
