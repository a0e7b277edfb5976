"""Help: what `-h` prints, plain enough to be quick and to be piped."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from typer.core import TyperArgument, TyperOption

from tqcli.cli.parameter import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from typer._click import Context, HelpFormatter, Parameter

    from tqcli.cli.signature import Signature

    Rows = list[tuple[str, str]]

WIDTH_MAX = 100
_EXAMPLES = "Examples:"

WELCOME = """\
tq runs jobs: on this machine at once, on a fleet with the same commands.

Try:
  tq run -- echo hello       run a command as a job and see what it prints
  tq submit -- sleep 60      submit one and go on; prints its id
  tq status                  see what is queued, running and done

`tq -h` lists all commands, `tq COMMAND -h` explains one.
"""


def write_help(
    ctx: Context, formatter: HelpFormatter, signature: Signature, below: str, commands: Mapping[str, Rows]
) -> None:
    """Write the help of the command of `ctx`, whose docstring is the text.

    `commands` are those below it, by panel; `below` stands for them in the usage, and is empty where there are none.
    """
    paint, params = ctx.obj.output.paint, ctx.command.get_params(ctx)
    places = [_describe_place(param, signature) for param in params if isinstance(param, TyperArgument)]
    usage = " ".join(["[OPTIONS]", *places, below]).rstrip()
    formatter.write_usage(ctx.command_path, usage, prefix=f"{paint('usage:', 'bold')} ")
    text, _, examples = (ctx.command.help or "").partition(_EXAMPLES)
    _write_text(formatter, text)
    for title, rows in (*commands.items(), *_list_parameters(params)):
        if rows:
            with formatter.section(paint(title, "bold")):
                formatter.write_dl(rows)
    if examples:
        # Not a paragraph: their lines stay as they are.
        formatter.write_paragraph()
        formatter.write(f"{paint(_EXAMPLES, 'bold')}\n")
        formatter.write(textwrap.indent(textwrap.dedent(examples.strip("\n")), "  ") + "\n")
    _write_text(formatter, ctx.command.epilog or "")


def _write_text(formatter: HelpFormatter, text: str) -> None:
    for paragraph in text.split("\n\n"):
        if words := paragraph.split():
            formatter.write_paragraph()
            # Not the formatter's write_text: that one breaks --each-line in two.
            formatter.write(textwrap.fill(" ".join(words), formatter.width, break_on_hyphens=False) + "\n")


def _describe_place(argument: TyperArgument, signature: Signature) -> str:
    """Return where an argument stands, as [ID…]."""
    metavar = argument.metavar or argument.name
    word = f"{metavar}…" if argument.nargs != 1 else metavar
    if signature.is_verbatim(argument.name):
        return f"[--] {word}"
    return word if argument.required else f"[{word}]"


def _list_parameters(params: Iterable[Parameter]) -> Iterator[tuple[str, Rows]]:
    """Give the rows of the arguments, and of the options by panel: those without a panel of their own come first."""
    arguments: Rows = []
    panels: dict[str, Rows] = {OPTIONS: []}
    for param in params:
        if isinstance(param, TyperArgument):
            arguments.append((param.metavar or param.name, param.help or ""))
        elif isinstance(param, TyperOption):
            panels.setdefault(param.rich_help_panel or OPTIONS, []).append(_describe_option(param))
    yield "Arguments", arguments
    yield from panels.items()


def _describe_option(option: TyperOption) -> tuple[str, str]:
    """Return an option's names with the word for its value, and its help."""
    left = ", ".join(sorted(option.opts, key=len))
    if not option.is_flag:
        left += f" {option.metavar}"
    if len(option.opts) == 1:
        left = f"    {left}"
    return left, option.help or ""
