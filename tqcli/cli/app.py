"""The command `tq`: from the words of the command line to the exit code.

How a command is written: `tqcli/cli/commands/<verb>.py` has a function named like the verb, listed in `verbs`. Its
first parameter is the `Invocation`; the others declare themselves (see `parameter`). Its docstring is its help; an
`Examples:` section comes last. It returns its exit code, or None for 0, and raises `TqError` where it can't be done.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

from tqcli.cli.globals import Globals, asks_for_json
from tqcli.cli.help import WIDTH_MAX
from tqcli.cli.invocation import Invocation
from tqcli.cli.output import DEFAULT_WIDTH, Output
from tqcli.cli.root import build_root
from tqcli.cli.verbs import PROGRAM
from tqcli.core.exit_status import EXIT_CANCELLED
from tqcli.errors import InvalidInput, TqError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> None:
    """Run the command line of this process, and exit."""
    raise SystemExit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Return the exit code of one command line."""
    if not _has_streams():
        return InvalidInput.exit_code
    # Before the line is read, so that a wrong line is reported in the form that it asks for.
    output, debug = Output(json=_asks("--json", words) or asks_for_json()), _asks("--debug", words)
    try:
        return _perform(words, output)
    except KeyboardInterrupt:
        return EXIT_CANCELLED
    except Exception as error:  # noqa: BLE001 - whatever it is, the user gets a line and an exit code
        if debug:
            import traceback  # noqa: PLC0415 - for --debug only

            traceback.print_exception(error)
        failure = error if isinstance(error, TqError) else _explain(error)
        output.error(failure)
        return failure.exit_code


def _perform(words: Sequence[str], output: Output) -> int:
    """Let Typer find the command and call it.

    These two steps are what Typer's `main` does, too; but that one also answers its own completion scripts, and ends
    the program by itself where a pipe is closed.
    """
    root = build_root()
    tq = Invocation(Globals(), output)
    width = min(output.width or DEFAULT_WIDTH, WIDTH_MAX)
    try:
        with root.make_context(PROGRAM, list(words), obj=tq, terminal_width=width) as ctx:
            code = root.invoke(ctx)
    except typer.Exit as done:
        return done.exit_code
    return code if isinstance(code, int) else 0


def _asks(option: str, words: Sequence[str]) -> bool:
    return option in (words[: words.index("--")] if "--" in words else words)


def _explain(error: Exception) -> TqError:
    """Return what to tell of an error that nobody foresaw."""
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return TqError(f"{error.strerror}{where}", hint="run with --debug for the traceback")
    return TqError(f"a bug in tq: {type(error).__name__}: {error}", hint="run with --debug for the traceback")


def _has_streams() -> bool:
    """Return whether stdout is open. A closed stderr is replaced, for there is nobody to tell."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - as long as the process
    if sys.stdout is None:
        sys.stderr.write("error: stdout is closed; nothing was done\nhint: redirect it to /dev/null instead\n")
        return False
    return True
