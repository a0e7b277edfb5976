"""The options that stand before or beside every command, and those of `tq` alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from tqcli.cli.parameter import Option, read_bundle

if TYPE_CHECKING:
    from tqcli.cli.parameter import Parameter

GLOBALS, ALONE = "globals", "alone"
"""The first step of the paths of their options (see `parameter`)."""

_SHELLS = "bash zsh fish"
_PANEL = "Global options"


class Globals(msgspec.Struct, frozen=True, kw_only=True):
    """The options of every command, before or after its name."""

    context: Annotated[
        str | None,
        Option("--context", metavar="NAME", help="the broker to use (TQ_CONTEXT)", complete="context", panel=_PANEL),
    ] = None
    server: Annotated[
        str | None, Option("--server", metavar="URL", help="the broker's URL (TQ_SERVER)", panel=_PANEL)
    ] = None
    json: Annotated[bool, Option("--json", help="print JSON, one document a line (TQ_JSON=1)", panel=_PANEL)] = False
    debug: Annotated[bool, Option("--debug", help="show tracebacks", panel=_PANEL)] = False
    help: Annotated[bool, Option("-h", "--help", help="show this help", panel=_PANEL)] = False


class Alone(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `tq` without a command."""

    version: Annotated[bool, Option("--version", help="show the version")] = False
    show_completion: Annotated[
        str | None,
        Option("--show-completion", metavar="SHELL", help="print the script for bash, zsh or fish", complete=_SHELLS),
    ] = None
    install_completion: Annotated[
        str | None,
        Option(
            "--install-completion",
            metavar="[SHELL]",
            help="install completion for your shell",
            complete=_SHELLS,
            implied="",
        ),
    ] = None


def global_parameters() -> tuple[Parameter, ...]:
    """Return the options that every command takes."""
    return read_bundle(Globals, GLOBALS)


def with_globals(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """Return a command's parameters and the global ones, except where the command has its own of that name."""
    own = {parameter.shown for parameter in parameters}
    return (*parameters, *(parameter for parameter in global_parameters() if parameter.shown not in own))


def alone_parameters() -> tuple[Parameter, ...]:
    """Return the options of `tq` without a command."""
    return read_bundle(Alone, ALONE)
