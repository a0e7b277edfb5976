"""Python jobs, from the agent's side: the command that runs an entrypoint, and what its result file says.

The program is `entry`, or a warm worker (`warm`) where the command's `call` says so.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.outcome import Exited, Failure, NotStarted, Raised, Returned, Signalled
from tqcli.process.command import Call, Command
from tqcli.process.handover import MAX_RESULT_BYTES

if TYPE_CHECKING:
    from tqcli.core.spec import Python
    from tqcli.process.child import Ended, NoProcess, RunnerLost

ROOT = str(Path(__file__).parents[2])
BOOT = (
    "import sys; sys.path[:] = [*filter(None, sys.path), sys.argv.pop(1)]; from tqcli.process.entry import main; main()"
)
"""Leaves the job's directory out of the path until the interpreter's own modules are there: it may hold a `json.py`."""


def python_command(  # noqa: PLR0913 - what a command needs, each by name
    work: Python,
    *,
    env: dict[str, str],
    cwd: str,
    stdin: bytes | Path | None = None,
    stored: bytes | None = None,
    may_make_cwd: bool = False,
    call: Call | None = None,
) -> Command:
    """Return the command that calls the entrypoint; `stored` is the object that its arguments are in, if any.

    With `call` it is one that a warm worker can take.
    """
    return Command(
        argv=(sys.executable, "-c", BOOT, ROOT, work.entrypoint),
        env=env,
        cwd=cwd,
        stdin=stdin,
        wants_result=True,
        args=b'{"args":%b,"kwargs":%b}' % (bytes(work.args), bytes(work.kwargs)) if stored is None else stored,
        may_make_cwd=may_make_cwd,
        call=call,
    )


class _Report(msgspec.Struct, forbid_unknown_fields=True):
    """What `entry` writes: one of the first two."""

    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: Failure | msgspec.UnsetType = msgspec.UNSET
    kinds: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(_Report)


def parse_result(ended: Ended) -> Exited | Signalled | NotStarted | Returned | Raised | NoProcess | RunnerLost:
    """Return how an attempt ended: for a Python job with what its function returned or raised."""
    if not ended.result or not isinstance(ended.how, Exited):
        return ended.how
    if len(ended.result) > MAX_RESULT_BYTES:
        return Raised(Failure("BadResult", f"the job wrote more than {MAX_RESULT_BYTES:,} bytes as its result"))
    try:
        report = _decoder.decode(ended.result)
    except (msgspec.DecodeError, RecursionError) as error:
        return Raised(Failure("BadResult", f"what the job wrote as its result can't be read: {error}"))
    if not isinstance(report.error, msgspec.UnsetType):
        return Raised(report.error, report.kinds)
    if not isinstance(report.value, msgspec.UnsetType) and ended.how.code == 0:
        return Returned(msgspec.Raw(bytes(report.value)))
    return ended.how  # it returned, and then something ended the process in another way
