"""What an attempt starts with: its command, with directory, environment and standard input."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from tqcli.core.outcome import Failure, NotStarted
from tqcli.core.spec import Python, Shell
from tqcli.errors import CorruptRecord, NotFound, Unavailable, Unknown
from tqcli.jetstream.objects import get_object
from tqcli.process.command import Call, Command
from tqcli.process.launch import CANNOT_RUN
from tqcli.process.python import python_command

if TYPE_CHECKING:
    from tqcli.core.spec import Spec, Stdin
    from tqcli.jetstream.broker import Broker

PATIENCE_S = 30.0
"""For how long to ask a broker that does not answer for a job's standard input, or for its arguments."""

RETRY_PAUSE_S = 0.5


async def prepare_command(
    broker: Broker, spec: Spec, *, attempt: int, claim: str, environment: dict[str, str]
) -> Command | NotStarted:
    """Return the attempt's command, or why it can't start anywhere; `environment` is the agent's.

    Whether the directory is there is for the runner to find out: a dead network mount would stop this whole process.

    Raises:
        Unknown, Unavailable: the broker does not give the job's standard input, or its arguments, now.
    """
    work = spec.work
    what = "its standard input is"
    try:
        stdin = None if spec.stdin is None else await _load_stdin(broker, spec.stdin)
        what = "its arguments are"
        stored = None
        if isinstance(work, Python) and work.stored is not None:
            stored = await _load(broker, work.stored.digest)
    except (NotFound, CorruptRecord) as error:
        return NotStarted(CANNOT_RUN, Failure(type(error).__name__, f"{what} not there: {error}"))
    cwd = spec.cwd or ""
    variables = _variables(spec, attempt=attempt, claim=claim)
    env = {**environment, **spec.env, **variables, "PWD": cwd}
    may_make_cwd = not spec.cwd_required
    if isinstance(work, Shell):
        argv = ("/bin/sh", "-c", work.argv[0]) if work.line else work.argv
        return Command(argv=argv, env=env, cwd=cwd, stdin=stdin, may_make_cwd=may_make_cwd)
    call = None
    if cwd and spec.isolation != "fresh":
        call = Call(work.entrypoint, variables, (cwd, *(f"{name}={value}" for name, value in sorted(spec.env.items()))))
    return python_command(work, env=env, cwd=cwd, stdin=stdin, stored=stored, may_make_cwd=may_make_cwd, call=call)


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
    if spec.schedule is not None:
        variables["TQ_SCHEDULE"] = spec.schedule
    if spec.scheduled_at is not None:
        variables["TQ_SCHEDULED_AT"] = spec.scheduled_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return variables


async def _load_stdin(broker: Broker, stdin: Stdin) -> bytes:
    return await _load(broker, stdin.digest or "") if stdin.data is None else stdin.data


async def _load(broker: Broker, digest: str) -> bytes:
    waited_s = 0.0
    while True:
        try:
            return await get_object(broker, digest)
        except (Unknown, Unavailable):
            if waited_s >= PATIENCE_S:
                raise
        await broker.link.sleep(RETRY_PAUSE_S)
        waited_s += RETRY_PAUSE_S
