"""Signatures: what Typer calls for a command, made of its function.

Typer gets one parameter for each option and argument, those of the bundles and the global ones included, and the
context. The function gets the `Invocation`, and its bundles whole.
"""

from __future__ import annotations

import inspect
import types
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
import typer

from tqcli.cli.globals import Globals, asks_for_json
from tqcli.cli.parameter import Argument, Option
from tqcli.cli.value import list_choices, parser_of, strip_none
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tqcli.cli.value import Parse

    Steps = tuple[str, ...]

_GLOBALS = "globals"

_NONE = object()
"""Stands for None on its way through Typer, which takes None for a required value that is missing."""


class Parameter(NamedTuple):
    """One option or argument. `path` is where its value goes: (parameter,) or (parameter, field).

    `info` is what was declared, with everything that Typer wants to know.
    """

    path: Steps
    kind: Any
    info: Option | Argument

    @property
    def name(self) -> str:
        """What Typer calls it."""
        return "__".join(self.path)


class Signature(NamedTuple):
    """What a function takes: its parameters with the global ones, and its bundles, by parameter."""

    function: Callable[..., object]
    parameters: dict[str, Parameter]
    bundles: dict[str, type[msgspec.Struct]]

    @property
    def takes_command(self) -> bool:
        """Whether the words may end with the user's own command."""
        return any(map(self.is_verbatim, self.parameters))

    def is_verbatim(self, name: str) -> bool:
        """Return whether a parameter is the user's own command."""
        info = self.parameters[name].info
        return isinstance(info, Argument) and info.verbatim


def read_signature(function: Callable[..., object]) -> Signature:
    """Return what the parameters of `function` after its first, the invocation, declare, in their order."""
    _, *own = inspect.signature(function).parameters.values()
    # Only these: the other annotations may name what is imported for the type checker alone.
    annotations = types.SimpleNamespace(__annotations__={one.name: one.annotation for one in own})
    hints = get_type_hints(annotations, globalns=function.__globals__, include_extras=True)
    parameters: list[Parameter] = []
    bundles: dict[str, type[msgspec.Struct]] = {}
    for one in own:
        hint = hints[one.name]
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            bundles[one.name] = hint
            parameters += _read_bundle(hint, one.name)
        else:
            parameters.append(_read((one.name,), hint, ... if one.default is one.empty else one.default))
    # Except where the command has its own option of that name.
    taken = {parameter.info.param_decls for parameter in parameters}
    parameters += [one for one in _read_bundle(Globals, _GLOBALS) if one.info.param_decls not in taken]
    return Signature(function, {parameter.name: parameter for parameter in parameters}, bundles)


def make_callback(signature: Signature) -> Callable[..., object]:
    """Return the function that Typer calls for the command, with what was read of its words."""

    def call(ctx: typer.Context, **given: object) -> object:
        values = {name: None if value is _NONE else value for name, value in given.items()}
        arguments = {name: values[name] for name, one in signature.parameters.items() if len(one.path) == 1}
        arguments |= {name: bundle(**_collect(values, name)) for name, bundle in signature.bundles.items()}
        ctx.obj = ctx.obj.overlay(_collect(values, _GLOBALS))
        if ctx.invoked_subcommand is not None:
            # A group on the way to its command.
            return None
        ctx.obj = ctx.obj.overlay({"json": asks_for_json()})
        ctx.obj.output.json = ctx.obj.globals.json
        return signature.function(ctx.obj, **arguments)

    known = [inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    known += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=one.info, annotation=one.kind)
        for name, one in signature.parameters.items()
    ]
    call.__signature__ = inspect.Signature(known)  # type: ignore[attr-defined] # as PEP 362 has it
    call.__annotations__ = {}
    return call


def _collect(values: dict[str, object], bundle: str) -> dict[str, Any]:
    """Return the values of a bundle, by field."""
    start = f"{bundle}__"
    return {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}


def _read_bundle(bundle: type[msgspec.Struct], name: str) -> Iterator[Parameter]:
    """Give what the fields of `bundle` declare, all of them optional."""
    hints = get_type_hints(bundle, include_extras=True)
    for field, default in zip(bundle.__struct_fields__, bundle.__struct_defaults__, strict=True):
        yield _read((name, field), hints[field], default)


def _read(path: Steps, hint: object, default: object) -> Parameter:
    kind, *extras = get_args(hint)
    info = copy(next(extra for extra in extras if isinstance(extra, (Option, Argument))))
    info.default = default
    kind = strip_none(kind)
    many = get_origin(kind) is list
    one = get_args(kind)[0] if many else kind
    if choices := list_choices(one):
        info.metavar = info.metavar or "|".join(choices)
        info.complete = " ".join(choices)
    info.metavar = info.metavar or path[-1].upper()
    if one is not bool:
        info.parser = _make_parser(info, info.parser or parser_of(one))
    return Parameter(path, kind, info)


def _make_parser(info: Option | Argument, parse: Parse) -> Callable[[Any], object]:
    """Return a parser whose refusals name the parameter."""
    shown = (info.param_decls or ())[-1] if isinstance(info, Option) else info.metavar

    def read(text: Any) -> object:
        if text is info.default:
            # Typer reads defaults, too, though they are values already.
            return text
        if text == "--" and isinstance(info, Option):
            # `--` is nobody's value: `tq run --name -- echo` lacks one.
            msg = f"{shown} needs a value"
            raise InvalidInput(msg, hint=f"write {shown} {info.metavar}")
        try:
            value = parse(text)
        except InvalidInput as error:
            msg = f"{shown}: {error.message}"
            raise InvalidInput(msg, hint=error.hint) from error
        return _NONE if value is None else value

    return read
