"""The commands of tq, by name: what `tq -h` and completion show without importing any of them.

`tq logs` is the function `logs` in `tqcli.cli.commands.logs`; `tq queue ls` is the function `ls` in
`tqcli.cli.commands.queue`. A module is imported when its command runs, or shows its own help.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from tqcli.core.names import quote
from tqcli.core.nearest import nearest
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Verb(NamedTuple):
    """One command. With `verbs` it has commands of its own; `alone`, it also is one without them."""

    name: str
    panel: str
    help: str
    verbs: tuple[tuple[str, str], ...] = ()
    alone: bool = False


class Found(NamedTuple):
    """What a command line calls: the function, its full name (`tq queue ls`), the words left, the commands below it."""

    function: Callable[..., object]
    name: str
    words: list[str]
    commands: tuple[tuple[str, str], ...] = ()


PROGRAM = "tq"
HELP = "help"
"""`tq help WORD…` is `tq WORD… -h`, as with git."""

COMPLETE = "__complete"
"""What completion scripts call; see `completion`."""

_JOBS, _QUEUES, _SETUP = "Jobs", "Queues and agents", "Setup"

VERBS = {
    verb.name: verb
    for verb in (
        Verb("run", _JOBS, "Run a command as a job, and end as it ends"),
        Verb("submit", _JOBS, "Submit a job, or many, and print the id"),
        Verb("status", _JOBS, "Show everything on one screen, or one job"),
        Verb("ls", _JOBS, "List recent jobs, newest first"),
        Verb("logs", _JOBS, "Show what a job printed"),
        Verb("wait", _JOBS, "Wait until jobs have ended"),
        Verb("result", _JOBS, "Print what a Python job returned, as JSON"),
        Verb("cancel", _JOBS, "End jobs, wherever they are"),
        Verb("retry", _JOBS, "Run finished jobs again"),
        Verb("agent", _QUEUES, "Run an agent in the foreground"),
        Verb(
            "agents",
            _QUEUES,
            "Show the agents and what they run",
            (("drain", "Let an agent finish what it runs, and leave"),),
            alone=True,
        ),
        Verb(
            "queue",
            _QUEUES,
            "Show, add, pause and limit queues",
            (
                ("ls", "List the queues"),
                ("add", "Add a queue"),
                ("rm", "Remove a queue that has no jobs"),
                ("pause", "Start no more jobs of a queue"),
                ("resume", "Start its jobs again"),
                ("limit", "Limit how many of its jobs run at once"),
                ("purge", "Cancel all its queued jobs"),
            ),
        ),
        Verb("up", _SETUP, "Start a server and an agent in the background, on this machine"),
        Verb("down", _SETUP, "Stop them"),
        Verb(
            "context",
            _SETUP,
            "Name the brokers that you use",
            (
                ("add", "Name a broker"),
                ("ls", "List the contexts"),
                ("use", "Choose the one to use from now on"),
                ("show", "Show one, without its secrets"),
                ("rm", "Forget one"),
            ),
        ),
    )
}


def find_command(words: Sequence[str]) -> Found | Verb:
    """Return the command that `words` start with, or the group of commands where they name only that.

    Raises:
        InvalidInput: there is no such command.
    """
    verb = VERBS.get(words[0])
    if verb is None:
        raise _no_command(PROGRAM, words[0], VERBS)
    rest = list(words[1:])
    name = f"{PROGRAM} {verb.name}"
    own = rest[0] if verb.verbs and rest and not rest[0].startswith("-") else None
    if own is None:
        return verb if verb.verbs and not verb.alone else Found(load_command(verb.name), name, rest, verb.verbs)
    if own not in dict(verb.verbs):
        raise _no_command(name, own, dict(verb.verbs))
    return Found(load_command(verb.name, own), f"{name} {own}", rest[1:])


def load_command(verb: str, own: str | None = None) -> Callable[..., object]:
    """Return the function of a command, importing its module."""
    function: Callable[..., object] = getattr(import_module(f"tqcli.cli.commands.{verb}"), own or verb)
    return function


def _no_command(name: str, word: str, known: Iterable[str]) -> InvalidInput:
    near = nearest(word, known)
    if near is not None:
        hint = f"did you mean `{name} {near}`?"
    elif name == PROGRAM and word.isascii() and word.isprintable():
        hint = f"`{name} -h` lists the commands; to run a program: {name} run -- {word}"
    else:
        hint = f"`{name} -h` lists the commands"
    return InvalidInput(f"{name} has no command {quote(word)}", hint=hint)
