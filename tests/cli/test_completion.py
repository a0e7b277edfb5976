"""Completion, in the real shells."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.listeners import listener
from tests.support.tq import ROOT, Terminal
from tqcli.cli.completion.install import SHELLS, make_completion
from tqcli.cli.completion.model import read_commands
from tqcli.cli.root import build_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.tq import Tq

    Complete = Callable[[str, str], None]

FILES = {"bash": "tq.bash", "zsh": "_tq", "fish": "tq.fish"}
INTERACTIVE = {"bash": ["bash", "-i"], "zsh": ["zsh", "-i"]}


def require(shell: str) -> None:
    """Skip the test where the shell is not installed."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


@pytest.fixture(params=list(SHELLS))
def complete(request: pytest.FixtureRequest, tq: Tq) -> Iterator[Complete]:
    """Give a check that a line, once Tab is pressed, continues so: in each shell, as `--install-completion` left it."""
    shell: str = request.param
    require(shell)
    assert tq("--install-completion", shell).code == 0
    if shell == "fish":
        yield lambda line, whole: _complete_in_fish(tq, line, whole)
        return
    with Terminal(INTERACTIVE[shell], tq.env | {"TERM": "dumb"}, tq.home, stdout=None, columns=200) as terminal:
        # The echo of what is typed is not yet the prompt.
        terminal.send(b"PS1='rea''dy> '\n")
        terminal.read_until("ready> ")

        def check(line: str, whole: str) -> None:
            terminal.screen = ""
            terminal.send(f"{line}\t".encode())
            terminal.read_until(whole)
            # Ctrl-U empties the line.
            terminal.send(b"\x15")

        yield check


def _complete_in_fish(tq: Tq, line: str, whole: str) -> None:
    asked = subprocess.run(
        ["fish", "-c", 'complete -C "$argv"', "--", line],
        env=tq.env,
        cwd=tq.home,
        capture_output=True,
        text=True,
        check=True,
    )
    before, _, _ = line.rpartition(" ")
    offered = [f"{before} {candidate.partition(chr(9))[0]}" for candidate in asked.stdout.splitlines()]
    assert whole.strip() in offered, asked


LINES = {
    "tq wai": "tq wait",
    "tq --vers": "tq --version",
    "tq queue pu": "tq queue purge",
    "tq --json queue pu": "tq --json queue purge",
    "tq --context x queue pu": "tq --context x queue purge",
    "tq logs --fol": "tq logs --follow",
    "tq run -q x --no": "tq run -q x --no-retry-on",
    "tq run -n wait --sh": "tq run -n wait --shell",
    "tq run --priority hi": "tq run --priority high",
    "tq run --priority=hi": "tq run --priority=high",
    "tq run --file job.": "tq run --file job.toml",
    "tq run -f fol": "tq run -f folder/",
    "tq logs --attempt a": "tq logs --attempt all",
    "tq queue limit gpu n": "tq queue limit gpu none",
    "tq schedule hist": "tq schedule history",
    "tq schedule add x --overlap qu": "tq schedule add x --overlap queue",
    "tq schedule next --tz Europe/Berl": "tq schedule next --tz Europe/Berlin",
    "tq context use lo": "tq context use local",
    "tq --context lo": "tq --context local",
    "tq submit -q x -- whoam": "tq submit -q x -- whoami",
    "tq submit -q x whoam": "tq submit -q x whoami",
    "tq run -- cat -n job.to": "tq run -- cat -n job.toml",
}


def test_words_are_completed(tq: Tq, complete: Complete) -> None:
    """Commands, options, their values, and the user's own command."""
    (tq.home / "job.toml").touch()
    (tq.home / "job.txt").touch()
    (tq.home / "folder").mkdir()
    for line, whole in LINES.items():
        complete(line, whole)


def test_names_of_what_is_there_are_completed(tq: Tq, complete: Complete) -> None:
    """Queues, schedules, recent jobs and contexts; asked of the broker that the line names."""
    assert tq("up").code == 0
    assert tq("queue", "add", "imports").code == 0
    job = tq("submit", "-n", "nightly: [all]", "--", "true").text
    assert tq("schedule", "add", "weekly", "--every", "1h", "--", "true").code == 0
    complete("tq queue pause imp", "tq queue pause imports")
    complete("tq schedule pause wee", "tq schedule pause weekly")
    complete("tq submit -q imp", "tq submit -q imports")
    complete(f"tq logs {job[:-2]}", f"tq logs {job}")
    assert tq("context", "add", "prod", "--server", "nats://192.0.2.1", "--no-check", "--use").code == 0
    complete("tq --context pr", "tq --context prod")
    complete("tq --context local queue pause imp", "tq --context local queue pause imports")


@pytest.mark.parametrize("kind", ["job", "queue", "agent", "schedule", "nonsense", ""])
def test_nothing_running_offers_nothing_and_stays_so(tq: Tq, kind: str) -> None:
    """Pressing Tab starts no server."""
    ended = tq("__complete", kind, "")
    assert ended == (0, b"", "")
    assert not tq.state.exists()


def test_local_context_is_always_there(tq: Tq) -> None:
    """Nobody needs to add it."""
    assert tq("__complete", "context", "").text.split()[0] == "local"
    assert not tq.state.exists()


def test_trouble_is_kept_from_the_line(tq: Tq) -> None:
    """Half a command is no place for an error, nor to wait for a broker."""
    (tq.home / "config").mkdir()
    (tq.home / "config" / "contexts.toml").write_text("nonsense")
    assert tq("__complete", "job", "") == (0, b"", "")
    with listener(b"") as url:
        assert tq("--server", url, "__complete", "job", "", timeout_s=5) == (0, b"", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_files_are_what_the_app_generates(tq: Tq, shell: str) -> None:
    """`tq --show-completion SHELL > completions/…` makes them."""
    expected = tq("--show-completion", shell).text
    assert (ROOT / "completions" / FILES[shell]).read_text().removesuffix("\n") == expected


@pytest.mark.parametrize(
    ("shell", "check"), [("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])]
)
def test_script_is_well_formed(tq: Tq, shell: str, check: list[str]) -> None:
    """As its shell reads it."""
    require(shell)
    path = tq.home / "script"
    path.write_text(make_completion(shell, read_commands(build_root())))
    subprocess.run([*check, str(path)], check=True)


def test_installing_says_what_it_did_and_does_it_once(tq: Tq) -> None:
    """The file, the line that loads it, and what to do now."""
    (tq.home / ".bashrc").write_text("alias ll='ls -l'")
    for _ in range(2):
        ended = tq("--install-completion", "bash")
        assert ended.code == 0
    script = tq.home / ".local/share/bash-completion/completions/tq"
    assert f"completion for bash is in {script}" in ended.text
    assert "open a new shell" in ended.text
    lines = (tq.home / ".bashrc").read_text().splitlines()
    assert lines == ["alias ll='ls -l'", f"[[ -r {script} ]] && source {script}"]


def test_shell_in_use_is_found(tq: Tq) -> None:
    """The one that runs tq, whatever the login shell is; else the login shell."""
    require("zsh")
    assert (
        "completion for zsh" in tq.shell("tq --install-completion; true", shell="zsh", env={"SHELL": "/bin/bash"}).text
    )
    assert "completion for fish" in tq("--install-completion", env={"SHELL": "/usr/bin/fish"}).text


def test_other_shells_are_named_as_unknown(tq: Tq) -> None:
    """With those that are not."""
    ended = tq("--show-completion", "zhs")
    assert (ended.code, ended.stderr) == (2, "error: tq has no completion for 'zhs'\nhint: did you mean 'zsh'?\n")
    ended = tq("--install-completion", "tcsh")
    assert ended.code == 2


def test_home_that_cant_be_written_is_a_wrong_setting(tq: Tq) -> None:
    """The other way is shown: anybody can redirect a script."""
    ended = tq("--install-completion", "bash", env={"HOME": "/dev/null"})
    assert (ended.code, ended.stdout) == (78, b"")
    assert "tq --show-completion bash" in ended.stderr
    assert tq("--install-completion", "bash", env={"HOME": "home"}).code == 78
