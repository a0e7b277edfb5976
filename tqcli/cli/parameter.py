"""Parameters: how a command declares its options and arguments, as Typer has it.

A command is a plain function. Each parameter says in its annotation what it is::

    def logs(
        tq: Invocation,
        job: Annotated[str, Argument("ID", help="the job", complete="job")] = "@last",
        *,
        follow: Annotated[bool, Option("-f", "--follow", help="until the job ends")] = False,
        tail: Annotated[int | None, Option("--tail", metavar="N", help="only the last N lines")] = None,
    ) -> int | None:

The type says how the text is read: `str`, `int`, `float`, `Path`, `timedelta` (a duration), an `Enum` or `Literal` (a
choice), `bool` (a flag without a value), `list[…]` (any number of them). Without a default it must be given. A
`msgspec.Struct` whose fields are annotated so stands for all of them: commands share options by sharing such a class.
`signature` makes of it what Typer calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.models import ArgumentInfo, OptionInfo

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS = "Options"
"""The panel of an option that names none."""


class Option(OptionInfo):
    """Typer's option, with what completes its value."""

    def __init__(
        self,
        *names: str,
        help: str,  # noqa: A002 - what Typer calls it
        metavar: str | None = None,
        parse: Callable[[str], object] | None = None,
        complete: str | None = None,
        panel: str = OPTIONS,
        on_given: Callable[..., None] | None = None,
    ) -> None:
        """Declare it by its names, as `-q`, `--queue`; it is shown under `panel` in the help.

        `parse` reads the text where the type doesn't say. `complete` says what completes it: `file`, `toml`,
        `directory`, `queue`, `job`, `agent`, `schedule`, `zone`, `context`, or words to choose from. `on_given` is
        called with the value before anything is checked, as Typer's eager callbacks are.
        """
        super().__init__(
            default=...,
            param_decls=names,
            help=help,
            metavar=metavar,
            parser=parse,
            callback=on_given,
            is_eager=on_given is not None,
            show_default=False,
            rich_help_panel=panel,
        )
        self.complete = complete


class Argument(ArgumentInfo):
    """Typer's argument, with what completes it."""

    def __init__(
        self,
        metavar: str,
        *,
        help: str,  # noqa: A002 - what Typer calls it
        parse: Callable[[str], Any] | None = None,
        complete: str | None = None,
        verbatim: bool = False,
    ) -> None:
        """Declare it. `verbatim`: all words from here on are the user's command, dashes or not.

        That holds from its first word on where it is the command's only argument, as in `docker run`; else after `--`.
        """
        super().__init__(default=..., help=help, metavar=metavar, parser=parse, show_default=False)
        self.complete = complete
        self.verbatim = verbatim
