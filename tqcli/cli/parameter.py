"""Parameters: a command's options and arguments, read from the signature of its function.

A command is a plain function. Each parameter says what it is in its annotation::

    def logs(
        tq: Invocation,
        job: Annotated[str, Argument("ID", help="the job", complete="job")] = "@last",
        follow: Annotated[bool, Option("-f", "--follow", help="until the job ends")] = False,
        tail: Annotated[int | None, Option("--tail", metavar="N", help="only the last N lines")] = None,
    ) -> int | None:

The type says how the text is read: `str`, `int`, `float`, `Path`, `timedelta` (a duration), an `Enum` or `Literal` (a
choice), `bool` (a flag without a value), `list[…]` (any number of them). Without a default it must be given. A
`msgspec.Struct` whose fields are annotated so stands for all of them: commands share options by sharing such a class.

Why not Typer: reading one text option makes Typer 0.29 import pydantic, and `tq submit` would take three times as long.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from tqcli.core.names import quote
from tqcli.core.nearest import did_you_mean
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    Parse = Callable[[str], object]


OPTIONS = "Options"
"""The panel of an option that names none."""


class Option:
    """The marker of an option: its names, as `-q`, `--queue`; it is shown under `panel` in the help."""

    def __init__(
        self,
        *names: str,
        help: str,  # noqa: A002 - what every library calls it
        metavar: str | None = None,
        parse: Parse | None = None,
        complete: str | None = None,
        panel: str = OPTIONS,
        implied: str | None = None,
    ) -> None:
        """Declare it. `parse` reads the text where the type doesn't say; `implied` is the value where none is given.

        `complete` says what completes its value: `file`, `directory`, `queue`, `job`, `agent`, `context`, or words to
        choose from.
        """
        self.names = names
        self.help = help
        self.metavar = metavar
        self.parse = parse
        self.complete = complete
        self.panel = panel
        self.implied = implied


class Argument:
    """The marker of an argument, found by its place."""

    def __init__(
        self,
        metavar: str,
        *,
        help: str,  # noqa: A002 - what every library calls it
        parse: Parse | None = None,
        complete: str | None = None,
        verbatim: bool = False,
    ) -> None:
        """Declare it. `verbatim`: from the first such word on, all words are the user's command, dashes or not."""
        self.metavar = metavar
        self.help = help
        self.parse = parse
        self.complete = complete
        self.verbatim = verbatim


class Parameter(NamedTuple):
    """One option or argument of one command. `path` is where its value goes: (parameter,) or (parameter, field)."""

    path: tuple[str, ...]
    marker: Option | Argument
    parse: Parse
    flag: bool
    many: bool
    required: bool
    choices: tuple[str, ...]

    @property
    def metavar(self) -> str:
        """The word that stands for its value in the help."""
        if self.marker.metavar is not None:
            return self.marker.metavar
        return "|".join(self.choices) if self.choices else self.path[-1].upper()

    @property
    def shown(self) -> str:
        """What a message calls it."""
        return self.marker.names[-1] if isinstance(self.marker, Option) else self.metavar


class Signature(NamedTuple):
    """A command's parameters, and the classes that bundle some of them, by parameter."""

    parameters: tuple[Parameter, ...]
    bundles: dict[str, type[msgspec.Struct]]


def read_signature(function: Callable[..., object]) -> Signature:
    """Return what the parameters of `function` after its first, the invocation, declare, in their order."""
    code = function.__code__
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    # Only these: the other annotations may name what is imported for the type checker alone.
    annotations = {name: function.__annotations__[name] for name in names}
    hints = get_type_hints(
        types.SimpleNamespace(__annotations__=annotations), globalns=function.__globals__, include_extras=True
    )
    optional = _defaulted(function)
    parameters: list[Parameter] = []
    bundles: dict[str, type[msgspec.Struct]] = {}
    for name, hint in hints.items():
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            bundles[name] = hint
            parameters += read_bundle(hint, name)
        else:
            parameters.append(_read((name,), hint, required=name not in optional))
    return Signature(tuple(parameters), bundles)


def read_bundle(bundle: type[msgspec.Struct], name: str) -> tuple[Parameter, ...]:
    """Return what the fields of `bundle` declare, all of them optional; `name` is the first step of their paths."""
    hints = get_type_hints(bundle, include_extras=True)
    return tuple(_read((name, field), hints[field], required=False) for field in bundle.__struct_fields__)


def _defaulted(function: Callable[..., object]) -> set[str]:
    code, positional = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    return {*names[len(names) - len(positional) :], *(function.__kwdefaults__ or {})}


def _read(path: tuple[str, ...], hint: object, *, required: bool) -> Parameter:
    kind, *extras = get_args(hint)
    marker = next(extra for extra in extras if isinstance(extra, (Option, Argument)))
    kind = _strip_none(kind)
    many = get_origin(kind) in {list, tuple}
    if many:
        kind = get_args(kind)[0]
    choices = _choices(kind)
    parse = marker.parse or (_parse_choice(kind, choices) if choices else _parser_of(kind))
    flag = kind is bool
    return Parameter(path, marker, parse, flag=flag, many=many, required=required and not flag, choices=choices)


def _strip_none(kind: Any) -> Any:
    if get_origin(kind) in {Union, types.UnionType}:
        return next(part for part in get_args(kind) if part is not type(None))
    return kind


def _choices(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return tuple(str(value) for value in get_args(kind))
    return tuple(str(member.value) for member in getattr(kind, "__members__", {}).values())


def _parse_choice(kind: Any, choices: tuple[str, ...]) -> Parse:
    def parse(text: str) -> object:
        if text not in choices:
            msg = f"{quote(text)} is none of the choices"
            raise InvalidInput(msg, hint=did_you_mean(text, choices))
        return text if get_origin(kind) is Literal else kind(text)

    return parse


def _parser_of(kind: Any) -> Parse:
    if kind is int:
        return _parse_int
    if kind is float:
        return _parse_float
    if getattr(kind, "__name__", "") == "timedelta":
        from tqcli.core.duration import parse_duration  # noqa: PLC0415 - only where a command has one

        return parse_duration
    parse: Parse = kind
    return parse


def _parse_int(text: str) -> int:
    if not (text.isascii() and text.removeprefix("-").isdecimal() and len(text) <= sys.int_info.default_max_str_digits):
        msg = f"{quote(text)} is not a whole number"
        raise InvalidInput(msg)
    return int(text)


def _parse_float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        msg = f"{quote(text)} is not a number"
        raise InvalidInput(msg) from None
