"""Where tq keeps its files."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from tqcli.errors import SettingsError, Unavailable
from tqcli.settings.files import refuse_folder
from tqcli.settings.paths import config_dir, ensure_config_dir, ensure_state_dir, state_dir


def test_folders_are_in_the_home_by_default(home: Path) -> None:
    """As the XDG specification has it."""
    assert config_dir() == home / ".config/tq"
    assert state_dir() == home / ".local/state/tq"


def test_xdg_variables_move_the_folders(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "s"))
    assert (config_dir(), state_dir()) == (home / "c/tq", home / "s/tq")


def test_own_variables_win_over_xdg(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They name the folder itself."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "c"))
    monkeypatch.setenv("TQ_CONFIG_DIR", str(home / "mine"))
    monkeypatch.setenv("TQ_STATE_DIR", str(home / "state"))
    assert (config_dir(), state_dir()) == (home / "mine", home / "state")


def test_relative_xdg_path_is_ignored(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The specification calls it invalid."""
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert state_dir() == home / ".local/state/tq"


@pytest.mark.parametrize("variable", ["TQ_STATE_DIR", "HOME"])
def test_relative_own_path_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Each working directory would have a broker of its own."""
    monkeypatch.setenv(variable, "state")
    with pytest.raises(SettingsError, match=f"{variable} is 'state', which is no absolute path"):
        state_dir()


@pytest.mark.usefixtures("home")
def test_empty_home_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the root of all files."""
    monkeypatch.setenv("HOME", "")
    assert state_dir() == Path(pwd.getpwuid(os.geteuid()).pw_dir, ".local/state/tq")


@pytest.mark.usefixtures("home")
def test_user_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable to set."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)
    with pytest.raises(SettingsError, match="HOME is not set"):
        state_dir()


def test_asking_for_a_path_creates_nothing(home: Path) -> None:
    """Only a write does."""
    config_dir()
    state_dir()
    assert list(home.iterdir()) == []


def test_created_folders_are_private() -> None:
    """Nobody else may look in."""
    folders = [ensure_config_dir(), ensure_state_dir()]
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700, 0o700]


def test_folder_that_others_may_write_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They could put their own server there."""
    shared = home / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("TQ_STATE_DIR", str(shared))
    with pytest.raises(SettingsError, match="other users may write"):
        ensure_state_dir()


def test_folder_of_another_user_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two users never meet."""
    theirs = home / "theirs"
    theirs.mkdir()
    monkeypatch.setenv("TQ_STATE_DIR", str(theirs))
    monkeypatch.setattr(os, "geteuid", lambda: theirs.stat().st_uid + 1)
    with pytest.raises(SettingsError, match="belongs to another user") as caught:
        ensure_state_dir()
    assert "TQ_STATE_DIR" in str(caught.value.hint)


def test_folder_that_is_a_file_is_refused_by_its_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the path, the hint the variable."""
    (home / "file").write_text("")
    monkeypatch.setenv("TQ_CONFIG_DIR", str(home / "file/tq"))
    with pytest.raises(SettingsError, match="file/tq can't be used") as caught:
        ensure_config_dir()
    assert "TQ_CONFIG_DIR" in str(caught.value.hint)


def test_full_disk_is_no_wrong_setting(home: Path) -> None:
    """It passes, so it is transient."""
    error = refuse_folder(home, OSError(28, "No space left on device"), variable="TQ_STATE_DIR")
    assert isinstance(error, Unavailable)
    assert "no space is left" in error.message
