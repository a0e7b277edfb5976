"""One call of a command: what it was given besides its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tqcli.cli.globals import Globals
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session


class Invocation(NamedTuple):
    """What a command gets as its first parameter."""

    globals: Globals
    output: Output

    def session(self, *, agent: bool = False) -> AbstractContextManager[Session]:
        """Return a session with the broker; with `agent`, a local one has an agent for as long as it lasts."""
        from tqcli.cli.session import open_session  # noqa: PLC0415 - help and completion need no broker

        return open_session(self.globals, agent=agent)
