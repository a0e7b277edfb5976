"""Where nats-server is looked for."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

from tqcli.errors import SettingsError
from tqcli.local.find import find_server

SERVER = find_server()


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide it in every place; each test shows it in one."""
    monkeypatch.delenv("TQ_NATS_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(tmp_path))
    monkeypatch.setattr(metadata, "files", lambda _: None)


def place(folder: Path) -> str:
    """Put a program there."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy("/bin/true", folder / "nats-server")
    return str(folder / "nats-server")


def test_server_is_found_beside_python(tmp_path: Path) -> None:
    """Where pip puts it."""
    server = place(tmp_path)
    assert find_server() == server


def test_server_is_found_among_the_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `pip install --user` puts it."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _, scheme: str(tmp_path / scheme))
    server = place(tmp_path / sysconfig.get_preferred_scheme("user"))
    assert find_server() == server


def test_server_is_found_by_the_wheels_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever that is."""
    monkeypatch.undo()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    assert Path(find_server()).samefile(SERVER)


def test_server_is_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Last of all."""
    monkeypatch.setenv("PATH", f"/nowhere:{tmp_path / 'bin'}")
    server = place(tmp_path / "bin")
    assert find_server() == server


def test_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For who has an own build."""
    place(tmp_path)
    own = place(tmp_path / "own")
    monkeypatch.setenv("TQ_NATS_SERVER", own)
    assert find_server() == own


def test_what_is_no_program_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, or a file that may not be executed."""
    (tmp_path / "nats-server").mkdir()
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/nats-server").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:{tmp_path / 'plain'}")
    with pytest.raises(SettingsError, match="nats-server was not found") as caught:
        find_server()
    assert "pip install" in str(caught.value.hint)
