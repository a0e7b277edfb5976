"""Where and with what an attempt runs: its directory, environment and standard input."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tqcli.core.outcome import Failure, NotStarted
from tqcli.core.spec import Shell
from tqcli.errors import TqError
from tqcli.jetstream.objects import get_object
from tqcli.process.command import Command
from tqcli.process.python import python_command

if TYPE_CHECKING:
    from tqcli.core.spec import Spec, Stdin
    from tqcli.jetstream.broker import Broker

NO_DIRECTORY = 126


class Workplace:
    """What one attempt needs on this host; `clear` removes what was made for it."""

    def __init__(self, command: Command, made: Path | None) -> None:
        """`made` is the fresh directory, if the attempt got one."""
        self.command = command
        self._made = made

    def clear(self) -> None:
        """Remove the attempt's fresh directory."""
        if self._made is not None:
            with suppress(OSError):
                shutil.rmtree(self._made)


async def prepare_workplace(
    broker: Broker, spec: Spec, *, attempt: int, claim: str, environment: dict[str, str]
) -> Workplace | NotStarted:
    """Return what the attempt needs, or why it can't start here; `environment` is the agent's."""
    place = _choose_directory(spec)
    if isinstance(place, NotStarted):
        return place
    cwd, made = place
    try:
        stdin = None if spec.stdin is None else await _load_stdin(broker, spec.stdin)
    except TqError as error:
        return NotStarted(NO_DIRECTORY, Failure(type(error).__name__, f"its standard input is not there: {error}"))
    env = {**environment, **spec.env, **_variables(spec, attempt=attempt, claim=claim), "PWD": cwd}
    return Workplace(_command(spec, env, cwd, stdin), made)


def _choose_directory(spec: Spec) -> tuple[str, Path | None] | NotStarted:
    """Return the attempt's directory, and the same again where it was made for it."""
    if spec.cwd is not None and os.path.isdir(spec.cwd):  # noqa: PTH112  (a stat; a Path costs more than it)
        return spec.cwd, None
    if spec.cwd_required:
        return NotStarted(NO_DIRECTORY, Failure("NoDirectory", f"the directory {spec.cwd} is not on this host"))
    try:
        made = Path(tempfile.mkdtemp(prefix="tq-"))
    except OSError as error:
        return NotStarted(NO_DIRECTORY, Failure("NoDirectory", f"no directory can be made for it: {error}"))
    return str(made), made


def _variables(spec: Spec, *, attempt: int, claim: str) -> dict[str, str]:
    variables = {
        "TQ_JOB_ID": str(spec.id),
        "TQ_ATTEMPT": str(attempt),
        "TQ_QUEUE": spec.queue,
        "TQ_GROUP": spec.group,
        "TQ_CLAIM": claim,
    }
    if spec.size is not None:
        variables["TQ_INDEX"] = str(spec.index)
    return variables


async def _load_stdin(broker: Broker, stdin: Stdin) -> bytes:
    if stdin.data is not None:
        return stdin.data
    return await get_object(broker, stdin.digest or "")


def _command(spec: Spec, env: dict[str, str], cwd: str, stdin: bytes | None) -> Command:
    work = spec.work
    if isinstance(work, Shell):
        argv = ("/bin/sh", "-c", work.argv[0]) if work.line else work.argv
        return Command(argv=argv, env=env, cwd=cwd, stdin=stdin)
    return python_command(work, env=env, cwd=cwd, stdin=stdin)
