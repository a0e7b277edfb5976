"""What a completion script knows of tq's commands, read from their signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tqcli.cli.globals import alone_parameters, global_parameters, with_globals
from tqcli.cli.parameter import Argument, Option, read_signature
from tqcli.cli.verbs import VERBS, load_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tqcli.cli.parameter import Parameter

TEXT = "text"
"""The kind of a value that nothing completes."""


class Choice(NamedTuple):
    """An option as a script offers it: `kind` says what completes its value, or is empty for a flag."""

    names: tuple[str, ...]
    help: str
    kind: str
    metavar: str
    many: bool


class Command(NamedTuple):
    """One command: `words` is its name without `tq`, empty for `tq` itself. `commands` are those below it.

    `argument` is the kind of its arguments; `verbatim`, where they are the user's own command.
    """

    words: str
    help: str
    options: tuple[Choice, ...]
    argument: str
    verbatim: bool
    commands: tuple[tuple[str, str], ...]


def read_commands() -> tuple[Command, ...]:
    """Return all commands, `tq` itself first."""
    return tuple(_read_commands())


def _read_commands() -> Iterator[Command]:
    shared = global_parameters()
    top = tuple((verb.name, verb.help) for verb in VERBS.values())
    yield Command("", "", _choices((*shared, *alone_parameters())), TEXT, verbatim=False, commands=top)
    for verb in VERBS.values():
        if verb.verbs and not verb.alone:
            yield Command(verb.name, verb.help, _choices(shared), TEXT, verbatim=False, commands=verb.verbs)
        else:
            yield _read(verb.name, verb.help, load_signature(verb.name), verb.verbs)
        for own, help_line in verb.verbs:
            yield _read(f"{verb.name} {own}", help_line, load_signature(verb.name, own), ())


def load_signature(verb: str, own: str | None = None) -> tuple[Parameter, ...]:
    """Return the parameters of a command, importing its module."""
    return read_signature(load_command(verb, own)).parameters


def _read(
    words: str,
    help_line: str,
    parameters: tuple[Parameter, ...],
    commands: tuple[tuple[str, str], ...],
) -> Command:
    first = next((parameter for parameter in parameters if isinstance(parameter.marker, Argument)), None)
    verbatim = first is not None and isinstance(first.marker, Argument) and first.marker.verbatim
    kind = TEXT if first is None else _kind(first)
    return Command(words, help_line, _choices(with_globals(parameters)), kind, verbatim, commands)


def _choices(parameters: tuple[Parameter, ...]) -> tuple[Choice, ...]:
    return tuple(
        Choice(marker.names, marker.help, "" if parameter.flag else _kind(parameter), parameter.metavar, parameter.many)
        for parameter in parameters
        if isinstance(marker := parameter.marker, Option)
    )


def _kind(parameter: Parameter) -> str:
    """Return what completes a value: a kind that `candidates` knows, `file`, `directory`, or words to choose from."""
    if parameter.choices:
        return " ".join(parameter.choices)
    return parameter.marker.complete or TEXT
