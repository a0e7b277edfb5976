"""The options that stand before or beside every command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, NoReturn

import msgspec
import typer

from tqcli.cli.parameter import Option

if TYPE_CHECKING:
    from typer._click import Context

_PANEL = "Global options"
_YES = frozenset({"1", "true", "yes", "on"})
"""What switches TQ_JSON on; anything else leaves it off."""


def asks_for_json() -> bool:
    """Return whether the environment asks for JSON: TQ_JSON=1 stands for --json."""
    return os.environ.get("TQ_JSON", "").lower() in _YES


def show_help(ctx: Context) -> NoReturn:
    """Print the help of the command that `ctx` is about, and be done."""
    ctx.obj.output.line(ctx.get_help())
    raise typer.Exit


def _show_help(ctx: typer.Context, *, wanted: bool) -> None:
    if wanted:
        show_help(ctx)


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
    # Not Typer's own: that one says it in other words, and imports pydantic to read a flag.
    help: Annotated[bool, Option("-h", "--help", help="show this help", panel=_PANEL, on_given=_show_help)] = False
