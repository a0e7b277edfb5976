"""What a completion script knows of tq's commands, read from their signatures."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from typer.core import TyperArgument, TyperOption

from tqcli.cli.command import Group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tqcli.cli.command import Command as OneCommand

    AnyCommand = OneCommand | Group

TEXT = "text"
"""The kind of a value that nothing completes."""

FILES = ("file", "toml", "directory")
"""The kinds that are names of files: any, those that end so, and directories."""


class Choice(NamedTuple):
    """An option as a script offers it: `kind` says what completes its value, or is empty for a flag."""

    names: tuple[str, ...]
    help: str
    kind: str
    metavar: str
    many: bool


class Command(NamedTuple):
    """One command: `words` is its name without `tq`, empty for `tq` itself. `commands` are those below it.

    `arguments` are the kinds of its arguments, the last of which stands for all from there on where there may be
    `many`; `verbatim`, where they are the user's own command.
    """

    words: str
    help: str
    options: tuple[Choice, ...]
    arguments: tuple[str, ...]
    many: bool
    verbatim: bool
    commands: tuple[tuple[str, str], ...]


def read_commands(root: Group) -> tuple[Command, ...]:
    """Return all commands, `tq` itself first."""
    return tuple(_read("", "", root))


def _read(words: str, help_line: str, command: AnyCommand) -> Iterator[Command]:
    """Give a command, and those below it."""
    arguments = [param for param in command.params if isinstance(param, TyperArgument)]
    kinds = tuple(_kind(argument, command) for argument in arguments)
    many = bool(arguments) and arguments[-1].nargs == -1
    verbatim = bool(arguments) and command.signature.is_verbatim(arguments[0].name)
    options = tuple(
        Choice(tuple(param.opts), param.help or "", _kind(param, command), param.metavar or "", param.multiple)
        for param in command.params
        if isinstance(param, TyperOption)
    )
    below = _list_below(command)
    yield Command(words, help_line, options, kinds, many, verbatim, below)
    for name, line in below:
        if isinstance(command, Group) and (one := command.build(name)):
            yield from _read(f"{words} {name}".lstrip(), line, one)


def _list_below(command: AnyCommand) -> tuple[tuple[str, str], ...]:
    return tuple(chain.from_iterable(command.list_help().values())) if isinstance(command, Group) else ()


def _kind(param: TyperArgument | TyperOption, command: AnyCommand) -> str:
    """Return what completes a value: a kind that `candidates` knows, one of `FILES`, or words to choose from."""
    if isinstance(param, TyperOption) and param.is_flag:
        return ""
    return command.signature.parameters[param.name].info.complete or TEXT
