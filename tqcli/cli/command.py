"""Commands as Typer runs them: each is built when the command line names it.

A group knows its commands from the table of `verbs`; the module of one is imported when it runs or shows its help.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TypeVar, cast

import typer
from typer.core import TyperCommand, TyperGroup

from tqcli.cli.globals import show_help
from tqcli.cli.help import write_help
from tqcli.cli.light import read_lightly
from tqcli.cli.mistakes import UsageError, explain, explain_command
from tqcli.cli.parameter import Argument
from tqcli.cli.signature import make_callback, read_signature
from tqcli.cli.verbs import PROGRAM, load_command
from tqcli.core.names import quote
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer._click import Command as AnyCommand
    from typer._click import Context, HelpFormatter

    from tqcli.cli.help import Rows
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.signature import Signature
    from tqcli.cli.verbs import Verb

    Function = Callable[..., object]

_HELP = "globals__help"


class Command(TyperCommand):
    """A command that does something."""

    # So that a word too many can be told in our words.
    allow_extra_args = True
    signature: Signature

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the words of the command."""
        with _explaining(ctx, self.signature, args):
            rest = super().parse_args(ctx, args)
        if rest:
            msg = f"{ctx.command_path} has no use for {quote(' '.join(rest))}"
            raise InvalidInput(msg, hint=f"`{ctx.command_path} -h` shows what it takes")
        return rest

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write what `-h` shows."""
        write_help(ctx, formatter, self.signature, "", {})


class Group(TyperGroup):
    """A command that has commands of its own."""

    signature: Signature
    verb: Verb

    def list_help(self) -> dict[str, Rows]:
        """Return its commands, each with a line of help, by panel."""
        return {"Commands": list(self.verb.verbs)}

    def build(self, name: str) -> Command | Group | None:
        """Return one of its commands; None where there is none of that name."""
        return build_command(load_command(self.verb.name, name), name) if name in dict(self.verb.verbs) else None

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - as Typer calls it
        """Return the names of its commands."""
        return [name for rows in self.list_help().values() for name, _ in rows]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | Group | None:  # noqa: ARG002 - as Typer calls it
        """Return one of its commands; None where there is none of that name."""
        return self.build(cmd_name)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str, AnyCommand, list[str]]:
        """Return the command that the words start with, and the words after its name."""
        name, *rest = args
        command = self.get_command(ctx, name)
        if command is None:
            raise explain_command(ctx.command_path, name, self.list_commands(ctx))
        return name, command, rest

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the words up to the name of one of its commands."""
        wanted, words = _look_for_help(ctx, args)
        if wanted and words:
            # `tq -h ls` is `tq ls -h`.
            self.explain(ctx, words)
        with _explaining(ctx, self.signature, args):
            return super().parse_args(ctx, args)

    def explain(self, ctx: Context, words: list[str]) -> NoReturn:
        """Show the help of the command that `words` name, and be done."""
        command: AnyCommand = self
        for name in words:
            if isinstance(command, Group) and not name.startswith("-"):
                _, command, _ = command.resolve_command(ctx, [name])
                ctx = typer.Context(command, info_name=name, parent=ctx)
        show_help(ctx)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write what `-h` shows."""
        write_help(ctx, formatter, self.signature, self.subcommand_metavar, self.list_help())


AnyGroup = TypeVar("AnyGroup", bound=Group)


def build_command(function: Function, name: str) -> Command:
    """Return the command that `function` is."""
    signature = read_signature(function)
    # The user's command starts with the first word, where it is all that a command takes.
    first = next((one.info for one in signature.parameters.values() if isinstance(one.info, Argument)), None)
    settings = {"allow_interspersed_args": first is None or not first.verbatim}
    app = _make_app()
    declare = app.command(
        name, cls=Command, help=inspect.getdoc(function), add_help_option=False, context_settings=settings
    )
    declare(make_callback(signature))
    command = cast("Command", typer.main.get_command(app))
    command.signature = signature
    read_lightly(command.params)
    return command


def build_group(
    cls: type[AnyGroup], function: Function, *, text: str, epilog: str | None = None, below: str = "COMMAND …"
) -> AnyGroup:
    """Return the group that is `function` where none of its commands is named; `text` is its help."""
    signature = read_signature(function)
    app = _make_app()
    declare = app.callback(
        cls=cls,
        invoke_without_command=True,
        subcommand_metavar=below,
        help=text,
        epilog=epilog,
        add_help_option=False,
    )
    declare(make_callback(signature))
    group = cast("AnyGroup", typer.main.get_command(app))
    group.signature = signature
    read_lightly(group.params)
    return group


def build_verb(verb: Verb) -> Command | Group:
    """Return the command that an entry of the table is."""
    if not verb.verbs:
        return build_command(load_command(verb.name), verb.name)
    if verb.alone:
        function = load_command(verb.name)
        group = build_group(Group, function, text=inspect.getdoc(function) or "", below="[COMMAND …]")
    else:
        text = "\n    ".join((f"{verb.help}.\n\nExamples:", *verb.examples))
        epilog = f"`{PROGRAM} {verb.name} COMMAND -h` explains one of them."
        group = build_group(Group, _ask_for_more(verb), text=text, epilog=epilog)
    group.verb = verb
    return group


def _ask_for_more(verb: Verb) -> Function:
    """Return what a command does that is none without one of its own: tell so."""

    def ask(_tq: Invocation) -> NoReturn:
        name = f"{PROGRAM} {verb.name}"
        msg = f"{name} needs one of its commands: {', '.join(own for own, _ in verb.verbs)}"
        raise InvalidInput(msg, hint=f"for example: {name} {verb.verbs[0][0]}")

    return ask


def _make_app() -> typer.Typer:
    # Without what Typer does by rich, and its own completion scripts, which would start tq at every Tab.
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@contextmanager
def _explaining(ctx: Context, signature: Signature, args: list[str]) -> Iterator[None]:
    """Tell in our words what Typer finds wrong with `args`, unless help is asked for among them."""
    # Typer takes from the list what it has read.
    words = list(args)
    try:
        yield
    except UsageError as error:
        # Who asks for help does not know yet what to give.
        wanted, _ = _look_for_help(ctx, words)
        if wanted:
            show_help(ctx)
        raise explain(error, ctx, words, takes_command=signature.takes_command) from error


def _look_for_help(ctx: Context, args: list[str]) -> tuple[bool, list[str]]:
    """Return whether help is asked for before the first mistake in `args`, and what is left of them."""
    ctx.resilient_parsing = True
    given, rest, _ = ctx.command.make_parser(ctx).parse_args(list(args))
    ctx.resilient_parsing = False
    return _HELP in given, rest
