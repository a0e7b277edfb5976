"""`tq down`: the end of what `tq up` started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tqcli.local.background import release_local

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation


class _Down(msgspec.Struct):
    """What `--json` prints: whether anything was running."""

    stopped: bool


def down(tq: Invocation) -> None:
    """Stop the server and the agent that `tq up` started. Jobs that wait are kept, and run after the next start.

    Examples:
        tq down
    """
    stopped = release_local()
    if tq.output.json:
        tq.output.document(_Down(stopped))
    else:
        tq.output.line("down" if stopped else "nothing was up")
