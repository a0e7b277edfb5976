"""Which broker a command talks to: flag > environment > file > local."""

from __future__ import annotations

import pytest

from tqcli.errors import InvalidInput, SettingsError
from tqcli.settings.context import build_context
from tqcli.settings.contexts import add_context, contexts_path
from tqcli.settings.target import Target, choose_target


@pytest.fixture
def _contexts() -> None:
    """Add two contexts; prod is in use."""
    add_context(build_context("prod", ["p"]), use=True)
    add_context(build_context("lab", ["l"]))


def chosen(target: Target) -> tuple[str, str]:
    """Return what matters here."""
    return target.key, target.origin


def test_nothing_configured_is_local() -> None:
    """There, tq brings its own broker."""
    target = choose_target()
    assert chosen(target) == ("local", "local")
    assert target.endpoint is None


@pytest.mark.usefixtures("_contexts")
def test_file_wins_over_local() -> None:
    """Its current context counts."""
    target = choose_target()
    assert chosen(target) == ("prod", "contexts.toml")
    assert target.endpoint is not None
    assert target.endpoint.servers == ("nats://p:4222",)


@pytest.mark.usefixtures("_contexts")
@pytest.mark.parametrize(
    ("variable", "value", "key"), [("TQ_CONTEXT", "lab", "lab"), ("TQ_SERVER", "x", "nats://x:4222")]
)
def test_environment_wins_over_the_file(variable: str, value: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either variable does."""
    monkeypatch.setenv(variable, value)
    assert chosen(choose_target()) == (key, variable)


@pytest.mark.usefixtures("_contexts")
@pytest.mark.parametrize("variable", ["TQ_CONTEXT", "TQ_SERVER"])
def test_flags_win_over_the_environment(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever flag, whichever variable; a wrong variable does not matter then."""
    monkeypatch.setenv(variable, "http://nonsense")
    assert chosen(choose_target(context="lab")) == ("lab", "--context")
    assert chosen(choose_target(server="s")) == ("nats://s:4222", "--server")


@pytest.mark.usefixtures("_contexts")
@pytest.mark.parametrize("variable", ["TQ_CONTEXT", "TQ_SERVER"])
def test_empty_variable_counts_as_unset(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for most programs."""
    monkeypatch.setenv(variable, "")
    assert chosen(choose_target()) == ("prod", "contexts.toml")


@pytest.mark.usefixtures("_contexts")
def test_local_can_be_named() -> None:
    """Whatever the file says."""
    assert chosen(choose_target(context="local")) == ("local", "--context")


@pytest.mark.usefixtures("_contexts")
def test_unknown_context_names_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag, the variable or the file."""
    with pytest.raises(SettingsError, match=r"^--context names the context 'prodd'") as caught:
        choose_target(context="prodd")
    assert caught.value.hint == "did you mean 'prod'?"
    monkeypatch.setenv("TQ_CONTEXT", "x")
    with pytest.raises(SettingsError, match=r"^TQ_CONTEXT names the context 'x'"):
        choose_target()


def test_unknown_current_context_names_the_file() -> None:
    """Somebody edited it."""
    contexts_path().parent.mkdir(parents=True)
    contexts_path().write_text("current = 'gone'")
    with pytest.raises(SettingsError, match=r"contexts\.toml names the context 'gone'"):
        choose_target()


def test_two_flags_are_refused() -> None:
    """Nobody guesses."""
    with pytest.raises(InvalidInput, match="--server and --context"):
        choose_target(server="a", context="b")


def test_two_variables_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody guesses here either."""
    monkeypatch.setenv("TQ_SERVER", "a")
    monkeypatch.setenv("TQ_CONTEXT", "b")
    with pytest.raises(SettingsError, match="TQ_SERVER and TQ_CONTEXT"):
        choose_target()


def test_wrong_server_flag_is_wrong_input() -> None:
    """The user typed it just now."""
    with pytest.raises(InvalidInput, match="'http://a'"):
        choose_target(server="http://a")


def test_wrong_server_variable_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was set long ago, and is named."""
    monkeypatch.setenv("TQ_SERVER", "http://a")
    with pytest.raises(SettingsError, match="TQ_SERVER is wrong: 'http://a'"):
        choose_target()
