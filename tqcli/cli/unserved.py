"""Telling that nobody is there to run a job, where that is a surprise: on this machine, without `tq up`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tqcli.errors import TqError
from tqcli.settings.context import LOCAL

if TYPE_CHECKING:
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session


def warn_locally(session: Session, output: Output) -> None:
    """Say so where the broker is the local one and no agent is there."""
    if session.key != LOCAL:
        return
    from tqcli.jetstream.presence import read_agents  # noqa: PLC0415 - a fleet's users never need it

    with suppress(TqError):  # the job is safe, whether or not we can tell who serves it
        if not session.run(read_agents(session.broker)):
            output.note("tq: no agent is running; `tq up` starts one")
