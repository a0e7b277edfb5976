"""One call of a command: what it was given besides its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from tqcli.cli.globals import Globals
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session


class Invocation(NamedTuple):
    """What a command gets as its first parameter; on the way to it, Typer's context carries it."""

    globals: Globals
    output: Output

    def overlay(self, given: Mapping[str, object]) -> Invocation:
        """Return it with the global options that were given one word further; the later wins."""
        changes = {name: value for name, value in given.items() if value not in {None, False}}
        return self._replace(globals=msgspec.structs.replace(self.globals, **changes))

    def session(self, *, agent: bool = False) -> AbstractContextManager[Session]:
        """Return a session with the broker; with `agent`, a local one has an agent for as long as it lasts."""
        from tqcli.cli.session import open_session  # noqa: PLC0415 - help and completion need no broker

        return open_session(self.globals, agent=agent)
