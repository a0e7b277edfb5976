"""Putting a completion script where the user's shell finds it: `tq --install-completion`."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote as quote_word
from typing import TYPE_CHECKING, NamedTuple

from tqcli.cli.completion.bash import make_bash
from tqcli.cli.completion.candidates import DYNAMIC
from tqcli.cli.completion.fish import make_fish
from tqcli.cli.completion.zsh import make_zsh
from tqcli.core.names import quote
from tqcli.core.nearest import did_you_mean
from tqcli.errors import InvalidInput, SettingsError
from tqcli.settings.paths import home_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tqcli.cli.completion.model import Command


class _Shell(NamedTuple):
    """How one shell is served: the script, where it goes, and the file that must source it, if any."""

    make: Callable[[Sequence[Command], Sequence[str]], str]
    script: Callable[[], Path]
    startup: Callable[[], Path] | None


def _folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or home_dir() / default)


SHELLS = {
    "bash": _Shell(
        make_bash,
        # Where bash-completion looks by itself; the line in the startup file serves those who haven't got it.
        lambda: _folder("XDG_DATA_HOME", ".local/share") / "bash-completion/completions/tq",
        lambda: home_dir() / ".bashrc",
    ),
    "zsh": _Shell(
        make_zsh,
        lambda: _folder("XDG_DATA_HOME", ".local/share") / "zsh/site-functions/_tq",
        lambda: _folder("ZDOTDIR", "") / ".zshrc",
    ),
    "fish": _Shell(make_fish, lambda: _folder("XDG_CONFIG_HOME", ".config") / "fish/completions/tq.fish", None),
}


def make_completion(shell: str, commands: Sequence[Command]) -> str:
    """Return the completion script of `commands` for `shell`.

    Raises:
        InvalidInput: tq has none for it.
    """
    return _find(shell).make(commands, DYNAMIC)


def install_completion(shell: str, commands: Sequence[Command]) -> str:
    """Install the script for `shell`, or the one in use where that is empty, and return what was done.

    Raises:
        InvalidInput: tq has none for it.
        SettingsError: the user's home can't be written.
    """
    name = shell or _detect_shell()
    served = _find(name)
    try:
        return _install(served, make_completion(name, commands), name)
    except OSError as error:
        msg = f"completion can't be written to {error.filename}: {error.strerror}"
        hint = f"check HOME, or put it where you like: tq --show-completion {name}"
        raise SettingsError(msg, hint=hint) from error


def _install(served: _Shell, script: str, name: str) -> str:
    path = served.script()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script, encoding="utf-8")
    done = [f"completion for {name} is in {path}"]
    if served.startup is not None:
        startup = served.startup()
        line = f"[[ -r {quote_word(str(path))} ]] && source {quote_word(str(path))}"
        text = startup.read_text(encoding="utf-8", errors="surrogateescape") if startup.exists() else ""
        if line not in text.splitlines():
            with startup.open("a", encoding="utf-8") as file:
                file.write(f"{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n")
            done.append(f"a line in {startup} loads it")
    return "; ".join(done) + "\nopen a new shell to use it"


def _find(shell: str) -> _Shell:
    if shell not in SHELLS:
        msg = f"tq has no completion for {quote(shell)}"
        raise InvalidInput(msg, hint=did_you_mean(shell, SHELLS))
    return SHELLS[shell]


def _detect_shell() -> str:
    """Return the name of the shell that called us, else of the user's login shell."""
    try:
        caller = Path(f"/proc/{os.getppid()}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        caller = ""
    return caller if caller in SHELLS else Path(os.environ.get("SHELL", "")).name
