"""Where the local broker can't start, or only just can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.local.folder import ROOT, STAND_IN, await_names, is_answering, running_in, take
from tests.support.eventually import eventually
from tqcli.errors import SettingsError, TqError, Unavailable
from tqcli.local.find import find_server

if TYPE_CHECKING:
    from collections.abc import Callable

_OLD_SERVER = """\
echo "[1] 2026/01/01 [INF]   Version:  2.13.9" >&2
echo '{"nats":["nats://127.0.0.1:1"]}' > nats-server_$$.ports
exec sleep 1000
"""
_HOLD = """\
import pathlib, sys
from tqcli.local.hold import hold_local
hold_local(agent=False, state=pathlib.Path(sys.argv[1])).close()
"""
_ON_FULL_DISK = """\
mount -t tmpfs -o size=32k,mode=700 none "$1" || exit 1
head -c 40000 /dev/zero > "$1/full"
shift
exec "$@"
"""


@pytest.fixture
def stand_in_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that puts a script in nats-server's place."""

    def place(interpreter: str, text: str) -> None:
        script = tmp_path / "nats-server"
        script.write_text(f"#!{interpreter}\n{text}")
        script.chmod(0o755)
        monkeypatch.setenv("TQ_NATS_SERVER", str(script))

    return place


def refused(state: Path) -> TqError:
    """Return the error of an attempt to start, which leaves nothing behind."""
    with pytest.raises(TqError) as caught:
        take(state)
    eventually(lambda: not running_in(state), timeout_s=3)
    return caught.value


def test_missing_server_names_the_variable(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to do."""
    monkeypatch.setenv("TQ_NATS_SERVER", "/nowhere/nats-server")
    error = refused(state)
    assert isinstance(error, SettingsError)
    assert error.message == "TQ_NATS_SERVER names '/nowhere/nats-server', which is not the absolute path of a program"
    assert "unset it" in str(error.hint)


def test_another_program_names_the_variable(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends, and leaves no word."""
    monkeypatch.setenv("TQ_NATS_SERVER", "/bin/true")
    error = refused(state)
    assert isinstance(error, SettingsError)
    assert "TQ_NATS_SERVER names '/bin/true'" in error.message


def test_old_server_is_refused(state: Path, stand_in_server: Callable[[str, str], None]) -> None:
    """Both versions are named."""
    stand_in_server("/bin/sh", _OLD_SERVER)
    error = refused(state)
    assert isinstance(error, SettingsError)
    assert "is nats-server 2.13.9: tq needs 2.14 or newer" in error.message


@pytest.mark.parametrize(
    ("last_words", "kind", "message"),
    [
        (
            "[FTL] Can't start JetStream: no space left on device",
            Unavailable,
            "its disk is full: Can't start JetStream",
        ),
        ("[FTL] Can't start: mkdir store: permission denied", SettingsError, "may not write in the state folder"),
        ("[FTL] something else", Unavailable, "nats-server did not start: something else"),
        ("", SettingsError, "which does not say that it is nats-server: it left no word"),
    ],
)
def test_server_that_ends_is_quoted(
    state: Path, stand_in_server: Callable[[str, str], None], last_words: str, kind: type[TqError], message: str
) -> None:
    """From its log, of which older words don't count."""
    state.mkdir(mode=0o700)
    (state / "server.log").write_text("[FTL] long ago: no space left on device\n")
    stand_in_server("/bin/sh", f'echo "{last_words}" >&2\nexit 1\n')
    error = refused(state)
    assert type(error) is kind
    assert message in error.message


def test_disk_that_is_full_is_said_so(state: Path) -> None:
    """On a real file system without room, mounted for this test alone."""
    state.mkdir(mode=0o700)
    probe = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _ON_FULL_DISK, "sh", str(state)]
    if subprocess.run([*probe, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this host lets no user mount a file system")
    done = subprocess.run(
        [*probe, sys.executable, "-c", _HOLD, str(state)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=30,
    )
    last, hint = done.stderr.strip().splitlines()[-2:]
    assert last.startswith("tqcli.errors.Unavailable: the disk of the state folder is full: ")
    assert hint.startswith("hint: free some space")


def test_folder_that_can_not_be_written_is_named() -> None:
    """Not even root may make one there."""
    with pytest.raises(SettingsError, match="the folder /sys/tq can't be used"):
        take(Path("/sys/tq"))


@pytest.mark.parametrize(
    "name",
    ["with space", 'quote"$and\\backslash', "umlaut-ä-✓", "line\nend", "/".join(["long" * 50] * 15)],
    ids=lambda name: name[:6],
)
def test_folder_may_have_any_name(state: Path, name: str) -> None:
    """And be deeper than a socket's path could."""
    with take(state / name) as hold:
        assert is_answering(hold.endpoint)
        assert (state / name / "store").is_dir()
    assert running_in(state / name) == []


def test_second_keeper_says_so_and_ends(state: Path) -> None:
    """Two servers in one folder would ruin the store."""
    with take(state) as hold:
        code = "from tqcli.local.keeper import main; main()"
        command = [sys.executable, "-P", "-c", code, str(state), find_server(), "always", "", *STAND_IN]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10)
        assert done.stdout == "taken"
        assert done.stderr.endswith(" another keeper has the folder\n")
        await_names(state, "keeper", "nats-server", "sleep")
        assert is_answering(hold.endpoint)


def test_files_of_the_working_directory_are_not_imported(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's signal.py or tqcli/ is no part of tq."""
    (tmp_path / "signal.py").write_text("raise SystemExit('not this one')")
    (tmp_path / "tqcli").mkdir()
    (tmp_path / "tqcli/__init__.py").write_text("raise SystemExit('nor this one')")
    monkeypatch.chdir(tmp_path)
    with take(state) as hold:
        assert is_answering(hold.endpoint)


def test_keeper_loads_little_before_it_is_ready() -> None:
    """A user is waiting: each of these would cost 10 ms or more."""
    code = f"import sys; sys.path.append({str(ROOT)!r}); import tqcli.local.keeper; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-S", "-c", code], check=True, capture_output=True, text=True)
    heavy = {"msgspec", "typing", "pathlib", "json", "socket", "re", "enum", "signal", "subprocess", "contextlib"}
    assert heavy & set(done.stdout.split()) == set()
