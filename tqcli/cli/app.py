"""The command `tq`: from the words of the command line to the exit code.

How a command is written: `tqcli/cli/commands/<verb>.py` has a function named like the verb, listed in `verbs`. Its
first parameter is the `Invocation`; the others declare themselves (see `parameter`). Its docstring is its help; an
`Examples:` section comes last. It returns its exit code, or None for 0, and raises `TqError` where it can't be done.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tqcli.cli.globals import ALONE, GLOBALS, Alone, Globals, alone_parameters, global_parameters, with_globals
from tqcli.cli.invocation import Invocation
from tqcli.cli.output import Output
from tqcli.cli.parameter import Argument, read_bundle, read_signature
from tqcli.cli.parser import Parser
from tqcli.cli.verbs import COMPLETE, HELP, PROGRAM, Found, Verb, find_command
from tqcli.core.exit_status import EXIT_CANCELLED
from tqcli.errors import InvalidInput, TqError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Values = dict[tuple[str, ...], Any]

_FRONT = "front"
_YES = frozenset({"1", "true", "yes", "on"})
"""What switches TQ_JSON on; anything else leaves it off."""


class _Front(msgspec.Struct, frozen=True, kw_only=True):
    command: Annotated[list[str] | None, Argument("COMMAND", help="what to do", verbatim=True)] = None


def main() -> None:
    """Run the command line of this process, and exit."""
    raise SystemExit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Return the exit code of one command line."""
    if not _has_streams():
        return InvalidInput.exit_code
    # Before the line is read, so that a wrong line is reported in the form that it asks for.
    output, debug = Output(json=_asks("--json", words) or _asks_for_json()), _asks("--debug", words)
    try:
        return _dispatch(words, output)
    except KeyboardInterrupt:
        return EXIT_CANCELLED
    except Exception as error:  # noqa: BLE001 - whatever it is, the user gets a line and an exit code
        if debug:
            import traceback  # noqa: PLC0415 - for --debug only

            traceback.print_exception(error)
        failure = error if isinstance(error, TqError) else _explain(error)
        output.error(failure)
        return failure.exit_code


def _dispatch(words: Sequence[str], output: Output) -> int:
    before, rest = _read_front(words)
    if not rest or _fields(before, ALONE):
        return _run_alone(before, output)
    if rest[0] == HELP:
        return _dispatch([*rest[1:], "--help"], output)
    if rest[0] == COMPLETE:
        from tqcli.cli.completion.candidates import print_candidates  # noqa: PLC0415 - only shells ask

        return print_candidates(rest[1:], Globals(**_fields(before, GLOBALS)), output)
    found = find_command(rest)
    if isinstance(found, Verb):
        return _run_group(found, rest[1:], before, output)
    return _run_command(found, before, output)


def _read_front(words: Sequence[str]) -> tuple[Values, list[str]]:
    """Return what was given before the command, and the words from the command on."""
    parameters = (*global_parameters(), *alone_parameters(), *read_bundle(_Front, _FRONT))
    values = Parser(PROGRAM, parameters).parse(words)
    return values, values.pop((_FRONT, "command"), [])


def _run_alone(values: Values, output: Output) -> int:
    alone = Alone(**_fields(values, ALONE))
    if values.get((GLOBALS, "help")):
        from tqcli.cli.help import show_overview  # noqa: PLC0415 - only where help is asked for

        show_overview(output, (*global_parameters(), *alone_parameters()))
    elif alone.version:
        output.line(f"{PROGRAM} {_version()}")
    elif alone.show_completion is not None:
        from tqcli.cli.completion.install import make_completion  # noqa: PLC0415 - imports every command

        output.write(make_completion(alone.show_completion).encode())
    elif alone.install_completion is not None:
        from tqcli.cli.completion.install import install_completion  # noqa: PLC0415 - imports every command

        output.line(install_completion(alone.install_completion))
    elif words_given := [path[1] for path, value in values.items() if value not in {None, False}]:
        msg = f"there is no command after --{words_given[0]}"
        raise InvalidInput(msg, hint=f"`{PROGRAM} -h` lists the commands")
    else:
        from tqcli.cli.help import WELCOME  # noqa: PLC0415 - only where help is asked for

        output.write(WELCOME.encode())
    return 0


def _run_group(verb: Verb, words: list[str], before: Values, output: Output) -> int:
    """Show what commands a command has that is none itself: help where it was asked for, else what is missing."""
    from tqcli.cli.help import show_group  # noqa: PLC0415 - only where help is asked for

    name = f"{PROGRAM} {verb.name}"
    values = before | Parser(name, global_parameters()).parse(words)
    if not values.get((GLOBALS, "help")):
        msg = f"{name} needs one of its commands: {', '.join(own for own, _ in verb.verbs)}"
        raise InvalidInput(msg, hint=f"for example: {name} {verb.verbs[0][0]}")
    show_group(output, verb)
    return 0


def _run_command(found: Found, before: Values, output: Output) -> int:
    signature = read_signature(found.function)
    parameters = with_globals(signature.parameters)
    parser = Parser(found.name, parameters)
    if before.get((GLOBALS, "help")) or parser.asks_for_help(found.words):
        from tqcli.cli.help import show_command  # noqa: PLC0415 - only where help is asked for

        show_command(output, found, parameters)
        return 0
    values = before | parser.parse(found.words)
    chosen = Globals(**_fields(values, GLOBALS))
    chosen = msgspec.structs.replace(chosen, json=chosen.json or _asks_for_json())
    output.json = chosen.json
    arguments = {path[0]: value for path, value in values.items() if len(path) == 1}
    arguments |= {name: bundle(**_fields(values, name)) for name, bundle in signature.bundles.items()}
    code = found.function(Invocation(chosen, output), **arguments)
    return code if isinstance(code, int) else 0


def _fields(values: Values, bundle: str) -> dict[str, Any]:
    """Return the values that belong to a bundle, by field."""
    return {path[1]: value for path, value in values.items() if path[0] == bundle and len(path) > 1}


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - takes longer than all the rest

    return version("tq")


def _asks(option: str, words: Sequence[str]) -> bool:
    return option in (words[: words.index("--")] if "--" in words else words)


def _asks_for_json() -> bool:
    return os.environ.get("TQ_JSON", "").lower() in _YES


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
