"""Contexts on the screen, without their secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.table import Column
from tqcli.settings.context import LOCAL, show_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tqcli.settings.context import Context
    from tqcli.settings.contexts import Contexts

LIST = (
    Column("", rank=1),
    Column("CONTEXT", rank=0),
    Column("SERVERS", shrinks=True, rank=2),
    Column("LOGIN", rank=3),
)
_LOGINS = ("user", "token", "creds", "nkey")


def list_rows(contexts: Contexts) -> list[list[str]]:
    """Return a line for each context, and one for tq's own broker; the one in use is marked."""
    rows = [[_mark(contexts.current is None), LOCAL, "this machine, on demand", "-"]]
    for name, context in sorted(contexts.table.items()):
        login = next((way for way in _LOGINS if getattr(context, way) is not None), "-")
        rows.append([_mark(contexts.current == name), name, ", ".join(context.servers), login])
    return rows


def context_lines(context: Context) -> Iterator[str]:
    """Give all of a context that may be shown."""
    for field, value in show_context(context).items():
        text = ", ".join(value) if isinstance(value, tuple) else str(value)
        yield f"{field.replace('_', '-'):<10} {text}"


def _mark(current: bool) -> str:  # noqa: FBT001 - one fact, one character
    return "*" if current else ""
