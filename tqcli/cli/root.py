"""`tq` itself: the group of all commands, and what it does without one."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from tqcli.cli.command import Group, build_command, build_group, build_verb
from tqcli.cli.globals import asks_for_json
from tqcli.cli.help import WELCOME
from tqcli.cli.parameter import Option
from tqcli.cli.verbs import COMPLETE, HELP, PROGRAM, VERBS
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from typer._click import Command as AnyCommand
    from typer._click import Context

    from tqcli.cli.command import Command
    from tqcli.cli.help import Rows
    from tqcli.cli.invocation import Invocation

_INSTALL = "--install-completion"
_SHELLS = "bash zsh fish"


class Root(Group):
    """The group of all commands."""

    def list_help(self) -> dict[str, Rows]:
        """Return the commands, each with a line of help, by panel."""
        panels: dict[str, Rows] = {}
        for verb in VERBS.values():
            panels.setdefault(verb.panel, []).append((verb.name, verb.help))
        return panels

    def build(self, name: str) -> Command | Group | None:
        """Return one of the commands; None where there is none of that name."""
        if name == COMPLETE:
            from tqcli.cli.completion.candidates import complete  # noqa: PLC0415 - only shells ask

            return build_command(complete, COMPLETE)
        return build_verb(VERBS[name]) if name in VERBS else None

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the words up to the name of a command."""
        # Typer has no option whose value may be left out.
        return super().parse_args(ctx, [_INSTALL, ""] if args == [_INSTALL] else args)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str, AnyCommand, list[str]]:
        """Return the command that the words start with, and the words after its name."""
        if args[0] == HELP:
            # `tq help ls` is `tq ls -h`, as with git.
            self.explain(ctx, args[1:])
        return super().resolve_command(ctx, args)


def build_root() -> Root:
    """Return `tq`."""
    epilog = f"`{PROGRAM} COMMAND -h` explains one command and shows examples."
    return build_group(Root, _greet, text=inspect.getdoc(_greet) or "", epilog=epilog)


def _show_version(ctx: typer.Context, *, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - takes longer than all the rest

        ctx.obj.output.line(f"{PROGRAM} {version('tq')}")
        raise typer.Exit


def _show_completion(ctx: typer.Context, shell: str | None) -> None:
    if shell is not None:
        from tqcli.cli.completion.install import make_completion  # noqa: PLC0415 - imports every command
        from tqcli.cli.completion.model import read_commands  # noqa: PLC0415

        ctx.obj.output.write(make_completion(shell, read_commands(build_root())).encode())
        raise typer.Exit


def _install_completion(ctx: typer.Context, shell: str | None) -> None:
    if shell is not None:
        from tqcli.cli.completion.install import install_completion  # noqa: PLC0415 - imports every command
        from tqcli.cli.completion.model import read_commands  # noqa: PLC0415

        ctx.obj.output.line(install_completion(shell, read_commands(build_root())))
        raise typer.Exit


class _Alone(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `tq` without a command: each is an action of its own."""

    version: Annotated[bool, Option("--version", help="show the version", on_given=_show_version)] = False
    show_completion: Annotated[
        str | None,
        Option(
            "--show-completion",
            metavar="SHELL",
            help="print the script for bash, zsh or fish",
            complete=_SHELLS,
            on_given=_show_completion,
        ),
    ] = None
    install_completion: Annotated[
        str | None,
        Option(
            _INSTALL,
            metavar="[SHELL]",
            help="install completion for your shell",
            complete=_SHELLS,
            on_given=_install_completion,
        ),
    ] = None


def _greet(tq: Invocation, alone: _Alone) -> None:  # noqa: ARG001 - its options have acted before
    """Runs jobs on NATS JetStream: on a laptop at once, on a fleet with the same commands.

    Examples:
      tq run -- make test                    run it as a job, and end as it ends
      tq submit --retries 3 -- ./upload.sh   in the background, up to 4 times
      find . -name '*.flac' | tq submit --each-line - -- flac --decode {}
      tq logs -f @last                       follow the job submitted last
    """
    # TQ_JSON=1 alone says nothing about this line.
    given = [name for name, value in msgspec.structs.asdict(tq.globals).items() if value]
    if given and not (given == ["json"] and asks_for_json()):
        msg = f"there is no command after --{given[0]}"
        raise InvalidInput(msg, hint=f"`{PROGRAM} -h` lists the commands")
    tq.output.write(WELCOME.encode())
