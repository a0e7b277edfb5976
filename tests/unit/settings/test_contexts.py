"""The settings file."""

from __future__ import annotations

import fcntl
import os
import tomllib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tqcli.errors import Conflict, NotFound, SettingsError
from tqcli.settings.context import Login, build_context
from tqcli.settings.contexts import (
    Contexts,
    add_context,
    contexts_path,
    find_context,
    load_contexts,
    remove_context,
    use_context,
)

if TYPE_CHECKING:
    from pathlib import Path


def write(text: str) -> None:
    """Write the settings file as a person would."""
    contexts_path().parent.mkdir(parents=True, exist_ok=True)
    contexts_path().write_text(text)


def test_no_file_means_no_contexts() -> None:
    """Nothing is configured, and nothing is created."""
    assert load_contexts() == Contexts()
    assert not contexts_path().exists()


def test_what_is_added_is_loaded_again(home: Path) -> None:
    """Every field, as it was."""
    (home / "c").write_text("")
    prod = build_context("prod", ["ann:pw@a", "tls://b"], namespace="jobs")
    lab = build_context("lab", ["c"], Login(creds=str(home / "c"), tls_ca=str(home / "c")))
    add_context(prod, use=True)
    add_context(lab)
    assert load_contexts() == Contexts("prod", {"prod": prod, "lab": lab})


def test_file_is_plain_toml() -> None:
    """Its users may edit it; what is default is not in it."""
    add_context(build_context("prod", ["a"]), use=True)
    assert tomllib.loads(contexts_path().read_text()) == {
        "current": "prod",
        "contexts": {"prod": {"servers": ["nats://a:4222"]}},
    }


def test_file_is_private_also_where_it_was_not() -> None:
    """A write mends the mode."""
    write("")
    contexts_path().chmod(0o644)
    add_context(build_context("prod", ["a"]))
    assert contexts_path().stat().st_mode & 0o777 == 0o600


def test_link_to_the_file_stays_a_link(home: Path) -> None:
    """Some keep their settings elsewhere."""
    (home / "dotfiles.toml").write_text("")
    contexts_path().parent.mkdir(parents=True)
    contexts_path().symlink_to(home / "dotfiles.toml")
    add_context(build_context("prod", ["a"]))
    assert contexts_path().is_symlink()
    assert "prod" in (home / "dotfiles.toml").read_text()


def test_write_leaves_no_draft_behind() -> None:
    """Only the file and its lock."""
    add_context(build_context("prod", ["a"]))
    assert sorted(path.name for path in contexts_path().parent.iterdir()) == ["contexts.lock", "contexts.toml"]


def test_adding_twice_is_a_conflict_and_changes_nothing() -> None:
    """Unless it is to be replaced."""
    add_context(build_context("prod", ["a"]))
    with pytest.raises(Conflict, match="the context 'prod' exists"):
        add_context(build_context("prod", ["b"]))
    assert load_contexts().table["prod"].servers == ("nats://a:4222",)
    add_context(build_context("prod", ["b"]), replace=True)
    assert load_contexts().table["prod"].servers == ("nats://b:4222",)


def test_use_changes_the_current_context() -> None:
    """`local` stands for none."""
    add_context(build_context("prod", ["a"]))
    assert load_contexts().current is None
    use_context("prod")
    assert load_contexts().current == "prod"
    use_context("local")
    assert load_contexts().current is None


def test_removing_the_current_context_leaves_the_local_one() -> None:
    """A file that names a missing context would stop every command."""
    add_context(build_context("prod", ["a"]), use=True)
    remove_context("prod")
    assert load_contexts() == Contexts()


@pytest.mark.parametrize("change", [remove_context, use_context])
def test_unknown_name_is_not_found_and_suggests_the_near_one(change: object) -> None:
    """And changes nothing."""
    add_context(build_context("prod", ["a"]), use=True)
    assert callable(change)
    with pytest.raises(NotFound, match="no context 'prdo'") as caught:
        change("prdo")
    assert caught.value.hint == "did you mean 'prod'?"
    assert load_contexts().current == "prod"


def test_find_names_the_source() -> None:
    """A user must know what to correct."""
    with pytest.raises(SettingsError, match="TQ_CONTEXT names the context 'x', which does not exist") as caught:
        find_context(Contexts(), "x", source="TQ_CONTEXT")
    assert "tq context add" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("current = ", "is not TOML"),
        ("\udcff", "is not TOML"),
        ("curent = 'prod'", "wrong at 'curent'"),
        ("current = 3", "wrong at 'current'"),
        ("contexts = 3", "something wrong"),
        ("[contexts.prod]\nservers = 'a'", r"\[contexts.prod\].*Expected `array`"),
        ("[contexts.prod]\nservers = ['a']\ncreeds = 'x'", r"\[contexts.prod\].*unknown field `creeds`"),
        ("[contexts.prod]\nservers = []", r"\[contexts.prod\].*no server is named"),
        ("[contexts.prod]\nservers = ['http://a']", r"\[contexts.prod\].*'http://a'"),
        ("[contexts]\nprod = 1", r"\[contexts.prod\]"),
    ],
)
def test_wrong_file_is_refused_by_its_name_and_entry(text: str, message: str) -> None:
    """Whatever a person put there."""
    contexts_path().parent.mkdir(parents=True)
    contexts_path().write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SettingsError, match=message) as caught:
        load_contexts()
    assert str(contexts_path()) in caught.value.message


@pytest.mark.parametrize("heading", ["[contexts.prod]", '[ contexts."prod" ]', "['contexts'.prod]"])
def test_wrong_entry_is_mended_with_an_editor(heading: str) -> None:
    """No command could: each reads the file first. The hint has the line, where it is easily found."""
    write(f"# mine\n\n{heading}\nservers = []")
    with pytest.raises(SettingsError) as caught:
        load_contexts()
    hint = str(caught.value.hint)
    assert hint == ("mend it with an editor, from line 3 on" if "'" not in heading else "mend it with an editor")


def test_wrong_file_is_not_overwritten() -> None:
    """It may hold what the user still needs."""
    write("current = ")
    with pytest.raises(SettingsError):
        add_context(build_context("prod", ["a"]))
    assert contexts_path().read_text() == "current = "


def test_short_urls_in_the_file_are_completed() -> None:
    """A person may have written them."""
    write("[contexts.prod]\nservers = ['ann:pw@a']")
    context = load_contexts().table["prod"]
    assert (context.servers, context.user, context.password) == (("nats://a:4222",), "ann", "pw")


def test_unreadable_file_is_refused() -> None:
    """A folder in its place, here."""
    contexts_path().mkdir(parents=True)
    with pytest.raises(SettingsError, match="can't be read: Is a directory"):
        load_contexts()


def test_concurrent_changes_are_all_kept() -> None:
    """Each reads what the one before wrote."""
    names = [f"c{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: add_context(build_context(name, ["a"])), names))
    assert set(load_contexts().table) == set(names)


def test_readers_do_not_wait_for_writers() -> None:
    """Every command reads the file."""
    add_context(build_context("prod", ["a"]))
    fd = os.open(contexts_path().with_name("contexts.lock"), os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        assert "prod" in load_contexts().table
    finally:
        os.close(fd)
