"""Reading values without pydantic.

Typer 0.29 imports pydantic for the first value that it reads, given or not, which takes longer than all the rest of a
submit. Every parameter of ours brings its own `parser` (see `value`), and pydantic would only call that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typer._click import Context


class _Reader(NamedTuple):
    """What stands in for the runtime parameter that Typer would make with pydantic."""

    parse: Callable[[Any], object]

    def coerce(self, value: Any, *, param: Any, ctx: Context) -> object:  # noqa: ARG002 - as Typer calls it
        """Return the value of a text, or the values of several; what was not given stays so."""
        if param.nargs == -1 or getattr(param, "multiple", False):
            return tuple(self.parse(one) for one in value or ())
        return None if value is None else self.parse(value)


def read_lightly(params: Iterable[Any]) -> None:
    """Let Typer read `params` with their own parsers alone."""
    for param in params:
        # Typer makes its runtime parameter when it is first asked for, and keeps it in this private place; so no
        # release has to keep it there. A Typer that has no such place reads by itself, to the same values, only
        # slower. `test_values_are_read_without_pydantic` notices.
        if hasattr(param, "_runtime_param") and (parse := param.type_descriptor.parameter_info.parser):
            param._runtime_param = _Reader(parse)  # noqa: SLF001
