"""Mistakes on the command line: what Typer finds wrong with it, in tq's words and with what to do next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from tqcli.cli.verbs import PROGRAM
from tqcli.core.names import quote
from tqcli.core.nearest import nearest
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from typer._click import Command, Context, Parameter
    from typer._click import exceptions as errors
else:
    # Where Typer keeps them: a module of its own, of click in older releases.
    errors = sys.modules[typer.BadParameter.__module__]

UsageError = errors.UsageError

_SHORTEST_WORD = 4
_SAME = len("--retr")
"""Options that share so much may be taken for each other."""


def explain(error: UsageError, ctx: Context, words: Sequence[str], *, takes_command: bool) -> InvalidInput:
    """Return what to tell of a usage error in `words`; with `takes_command`, they may end with the user's command."""
    name = ctx.command_path
    if isinstance(error, errors.MissingParameter):
        shown = _show(error.param) if error.param else error.message
        return InvalidInput(f"{name} needs {shown}", hint=f"`{name} -h` shows an example")
    if isinstance(error, errors.NoSuchOption):
        return _explain_unknown(error.option_name, ctx, words, takes_command=takes_command)
    if isinstance(error, errors.BadOptionUsage):
        return _explain_value(error.option_name, ctx, words)
    return InvalidInput(error.format_message(), hint=f"`{name} -h` shows what it takes")


def explain_command(name: str, word: str, known: Iterable[str]) -> InvalidInput:
    """Return what to tell where `name` has no command `word`."""
    near = nearest(word, known)
    if near is not None:
        hint = f"did you mean `{name} {near}`?"
    elif name == PROGRAM and word.isascii() and word.isprintable():
        hint = f"`{name} -h` lists the commands; to run a program: {name} run -- {word}"
    else:
        hint = f"`{name} -h` lists the commands"
    return InvalidInput(f"{name} has no command {quote(word)}", hint=hint)


def _explain_unknown(option: str, ctx: Context, words: Sequence[str], *, takes_command: bool) -> InvalidInput:
    word = option if option.startswith("--") else _find_word(option[1:], words)
    if word[1:].isdecimal():
        msg = f"{ctx.command_path} takes no negative number, but {quote(word)} was given"
        return InvalidInput(msg, hint=f"`{ctx.command_path} -h` shows what it takes")
    within = f" (in {quote(word)})" if word != option else ""
    # A word in one dash, as in -timeout, may be meant as a long option; a few letters are flags.
    meant = word if word.startswith("--") else f"-{word}" if len(word) >= _SHORTEST_WORD else ""
    if other := _find_owner(ctx, option):
        hint = f"`{other}` has it"
    elif near := _list_near(meant, [name for name in _list_names(ctx.command, ctx) if name.startswith("--")]):
        hint = f"did you mean {' or '.join(near)}?"
    else:
        hint = f"`{ctx.command_path} -h` lists its options"
        if takes_command:
            hint += "; what belongs to your command comes after --"
    return InvalidInput(f"{ctx.command_path} has no option {quote(option)}{within}", hint=hint)


def _list_near(meant: str, names: Sequence[str]) -> list[str]:
    """Return the name most like the one that was meant, and those that start as it does."""
    near = nearest(meant, names)
    return [name for name in names if name == near or (near and name[:_SAME] == meant[:_SAME] == near[:_SAME])]


def _find_owner(ctx: Context, option: str) -> str | None:
    """Return the one command that has this long option, if it is just one."""
    root = ctx.find_root()
    if not option.startswith("--") or not isinstance(root.command, TyperGroup):
        return None
    commands = {name: root.command.get_command(root, name) for name in root.command.list_commands(root)}
    owners = [name for name, command in commands.items() if command and option in _list_names(command, ctx)]
    return f"{root.command_path} {owners[0]}" if len(owners) == 1 else None


def _explain_value(option: str, ctx: Context, words: Sequence[str]) -> InvalidInput:
    param = next(param for param in ctx.command.get_params(ctx) if option in param.opts)
    if isinstance(param, TyperOption) and param.is_flag:
        value = next(word for word in words if word.startswith(f"{option}=")).partition("=")[2]
        return InvalidInput(f"{option} takes no value, but {quote(value)} was given", hint=f"write {option} alone")
    return InvalidInput(f"{option} needs a value", hint=f"write {option} {param.metavar}")


def _find_word(letter: str, words: Sequence[str]) -> str:
    """Return the word of short options that a letter was in, as -x in -lx."""
    return next(word for word in words if word.startswith("-") and not word.startswith("--") and letter in word)


def _list_names(command: Command, ctx: Context) -> Iterator[str]:
    for param in command.get_params(ctx):
        if isinstance(param, TyperOption):
            yield from param.opts


def _show(param: Parameter) -> str:
    """Return what a message calls a parameter."""
    return param.metavar or param.name if isinstance(param, TyperArgument) else param.opts[-1]
