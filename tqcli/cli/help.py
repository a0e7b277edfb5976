"""Help: what `-h` prints, plain enough to be quick and to be piped."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tqcli.cli.parameter import OPTIONS, Argument, Option
from tqcli.cli.verbs import PROGRAM, VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tqcli.cli.output import Output
    from tqcli.cli.parameter import Parameter
    from tqcli.cli.verbs import Found, Verb

_WIDTH_MAX = 100
_WIDTH_PIPED = 80
_INDENT = "  "
_LEFT_MAX = 30
_EXAMPLES = "Examples:"

WELCOME = """\
tq runs jobs: on this machine at once, on a fleet with the same commands.

Try:
  tq run -- echo hello       run a command as a job and see what it prints
  tq submit -- sleep 60      submit one and go on; prints its id
  tq status                  see what is queued, running and done

`tq -h` lists all commands, `tq COMMAND -h` explains one.
"""

_OVERVIEW_EXAMPLES = """\
  tq run -- make test                         run it as a job, see its output, end as it ends
  tq submit --retries 3 -- ./upload.sh        run it in the background, up to 4 times
  find . -name '*.flac' | tq submit --each-line - -- flac --decode {}
  tq logs -f @last                            follow the job submitted last"""


def show_overview(output: Output, parameters: Iterable[Parameter]) -> None:
    """Print the help of `tq` itself."""
    page = _Page(output)
    page.usage(f"{PROGRAM} [OPTIONS] COMMAND …")
    page.text("Runs jobs on NATS JetStream: on a laptop at once, on a fleet with the same commands.")
    for panel in dict.fromkeys(verb.panel for verb in VERBS.values()):
        page.section(panel, [(verb.name, verb.help) for verb in VERBS.values() if verb.panel == panel])
    page.section("Options", [_describe(parameter) for parameter in parameters])
    page.examples(_OVERVIEW_EXAMPLES)
    page.text(f"`{PROGRAM} COMMAND -h` explains one command and shows examples.")
    page.print()


def show_group(output: Output, verb: Verb) -> None:
    """Print the help of a command that has commands of its own."""
    page = _Page(output)
    page.usage(f"{PROGRAM} {verb.name} COMMAND …")
    page.text(f"{verb.help}.")
    page.section("Commands", verb.verbs)
    page.text(f"`{PROGRAM} {verb.name} {verb.verbs[0][0]} -h` explains the first of them and shows an example.")
    page.print()


def show_command(output: Output, found: Found, parameters: Sequence[Parameter]) -> None:
    """Print the help of one command: its docstring is its text."""
    page = _Page(output)
    arguments = [parameter for parameter in parameters if isinstance(parameter.marker, Argument)]
    page.usage(" ".join([found.name, "[OPTIONS]", *(_usage(parameter) for parameter in arguments)]))
    text, _, examples = textwrap.dedent(_docstring(found.function)).partition(_EXAMPLES)
    page.text(text)
    page.section("Commands", found.commands)
    page.section("Arguments", [(parameter.metavar, parameter.marker.help) for parameter in arguments])
    # Those without a panel of their own come first.
    panels: dict[str, list[tuple[str, str]]] = {OPTIONS: []}
    for parameter in parameters:
        if isinstance(parameter.marker, Option):
            panels.setdefault(parameter.marker.panel, []).append(_describe(parameter))
    for panel, rows in panels.items():
        page.section(panel, rows)
    page.examples(examples)
    page.print()


def _docstring(function: Callable[..., object]) -> str:
    first, _, rest = (function.__doc__ or "").partition("\n")
    return f"{first}\n{textwrap.dedent(rest)}"


def _usage(parameter: Parameter) -> str:
    marker = parameter.marker
    word = parameter.metavar + ("…" if parameter.many and "…" not in parameter.metavar else "")
    if isinstance(marker, Argument) and marker.verbatim:
        return f"[--] {word}"
    return word if parameter.required else f"[{word}]"


def _describe(parameter: Parameter) -> tuple[str, str]:
    """Return an option's names with the word for its value, and its help."""
    marker = parameter.marker
    names = marker.names if isinstance(marker, Option) else ()
    left = ", ".join(sorted(names, key=len))
    if not parameter.flag:
        left += f" {parameter.metavar}"
    if len(names) == 1 and names[0].startswith("--"):
        left = f"    {left}"
    return left, marker.help


class _Page:
    """A page of help, put together before it is printed."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._width = min(output.width or _WIDTH_PIPED, _WIDTH_MAX)
        self._lines: list[str] = []

    def usage(self, line: str) -> None:
        self._lines.append(f"{self._output.paint('usage:', 'bold')} {line}")

    def text(self, text: str) -> None:
        for paragraph in text.strip().split("\n\n"):
            if paragraph.strip():
                self._lines.append("")
                self._lines += textwrap.wrap(" ".join(paragraph.split()), self._width, break_on_hyphens=False)

    def section(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        if not rows:
            return
        self._lines += ["", self._output.paint(f"{title}:", "bold")]
        left_width = min(max(len(left) for left, _ in rows), _LEFT_MAX)
        margin = " " * (len(_INDENT) + left_width + 2)
        for left, help_text in rows:
            lines = textwrap.wrap(help_text, max(self._width - len(margin), 20), break_on_hyphens=False) or [""]
            if len(left) > left_width:
                self._lines.append(f"{_INDENT}{left}")
                lines = [margin + line for line in lines]
            else:
                lines = [f"{_INDENT}{left:<{left_width}}  {lines[0]}".rstrip(), *(margin + line for line in lines[1:])]
            self._lines += lines

    def examples(self, block: str) -> None:
        lines = textwrap.dedent(block.strip("\n")).rstrip().splitlines()
        if lines:
            self._lines += ["", self._output.paint(_EXAMPLES, "bold"), *(f"{_INDENT}{line}".rstrip() for line in lines)]

    def print(self) -> None:
        self._output.lines(self._lines)
