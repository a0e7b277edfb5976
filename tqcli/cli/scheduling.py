"""What the commands of `tq schedule` share."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from tqcli.cli.parameter import Argument
from tqcli.errors import SettingsError, TqError
from tqcli.settings.context import LOCAL
from tqcli.settings.zone import UTC, machine_zone

if TYPE_CHECKING:
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session

Name = Annotated[str, Argument("NAME", help="the schedule", complete="schedule")]


def shown_zone() -> str:
    """Return the zone in which times are shown whose schedule has none: where nobody can name it, UTC."""
    try:
        return machine_zone()
    except SettingsError:
        return UTC


def warn_unserved(session: Session, output: Output, queue: str) -> None:
    """Say so where no agent serves the queue: nothing is planned without one, and nothing starts."""
    from tqcli.jetstream.presence import read_agents  # noqa: PLC0415 - few commands ask

    with suppress(TqError):  # the schedule is safe, whether or not we can tell who serves it
        agents = session.run(read_agents(session.broker))
        if not any(queue in agent.queues for agent in agents):
            start = "tq up" if session.key == LOCAL and not agents else f"tq agent -q {queue}"
            output.note(f"tq: no agent serves the queue {queue} now: `{start}` starts one")
