"""A job on the screen: one line of a list, or everything about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.cli.fit import fold
from tqcli.cli.render.log import neutralise
from tqcli.cli.render.steps import step_lines
from tqcli.cli.render.words import age, clock, one_line, short_duration, work
from tqcli.cli.table import Column
from tqcli.core.duration import humanize
from tqcli.core.ending import describe_end, describe_failure, name_signal
from tqcli.core.size import format_size
from tqcli.core.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tqcli.cli.output import Output
    from tqcli.core.job import Job
    from tqcli.core.record import Attempt

LIST = (
    Column("ID", rank=0),
    Column("STATE", rank=1),
    Column("QUEUE", shrinks=True, rank=4),
    Column("AGE", number=True, rank=3),
    Column("TOOK", number=True, rank=5),
    Column("JOB", shrinks=True, rank=2),
)
STYLES = {
    State.SUCCEEDED: "green",
    State.FAILED: "red",
    State.EXPIRED: "red",
    State.CANCELLED: "yellow",
    State.RETRYING: "yellow",
    State.RUNNING: "cyan",
}
_LABEL_WIDTH = 11
_EVENT_INDENT = len("  12:34:56  ")


def list_row(job: Job, now: datetime, output: Output) -> list[str]:
    """Return the job's cells below `LIST`."""
    name = f"{one_line(job.name)}: " if job.name else ""
    return [
        job.id,
        show_state(job.state, output),
        job.queue,
        age(job.submitted_at, now),
        _took(job, now),
        name + work(job),
    ]


def show_state(state: State, output: Output) -> str:
    """Return the state in its colour."""
    style = STYLES.get(state)
    return output.paint(str(state), style) if style else str(state)


def job_lines(job: Job, now: datetime, output: Output) -> Iterator[str]:
    """Give everything about a job: what it is, its timeline, why it failed, what to type next."""
    for line in _facts(job, now, output):
        yield from fold(line, output.width, hang=_LABEL_WIDTH)
    yield ""
    for line in _timeline(job, now):
        yield from fold(line, output.width, hang=_EVENT_INDENT)
    for line in _error_lines(job):
        yield from fold(line, output.width, hang=len(line) - len(line.lstrip()))
    yield ""
    yield from step_lines(_next_steps(job), output)


def _facts(job: Job, now: datetime, output: Output) -> Iterator[str]:
    style = STYLES.get(job.state)
    state = one_line(describe_end(job))
    yield _field("job", output.paint(job.id, "bold") + (f" ({one_line(job.name)})" if job.name else ""))
    yield _field("state", output.paint(state, style) if style else state)
    yield _field("runs" if job.command is None else "command", work(job))
    yield _field("queue", job.queue + ("" if job.priority == "normal" else f", priority {job.priority}"))
    if job.state is State.SCHEDULED and job.not_before is not None:
        yield _field("starts", clock(job.not_before, now))
    if job.schedule is not None:
        yield _field("schedule", job.schedule + _planned(job, now))
    if job.expires_at is not None and not job.state.final:
        yield _field("expires", f"{clock(job.expires_at, now)}, if it has not started by then")
    if job.cwd is not None:
        yield _field("directory", one_line(job.cwd))
    if job.retry_of is not None:
        yield _field("retry of", job.retry_of)
    if job.output is not None:
        yield _field("printed", _printed(job))
    if job.result is not None:
        yield _field("result", f"`tq result {job.id}` prints it")


def _planned(job: Job, now: datetime) -> str:
    return "" if job.scheduled_at is None else f", planned for {clock(job.scheduled_at, now)}"


def _field(label: str, value: str) -> str:
    return f"{label:<{_LABEL_WIDTH}}{value}"


def _took(job: Job, now: datetime) -> str:
    """Return how long the last attempt took so far."""
    if job.started_at is None:
        return ""
    end = job.finished_at if job.state.final else now if job.state is State.RUNNING else None
    return "" if end is None else short_duration(end - job.started_at)


def _printed(job: Job) -> str:
    output = job.output
    if output is None:
        return ""
    cut = f", {format_size(output.dropped)} of it not kept" if output.dropped else ""
    return f"{format_size(output.stdout)} to stdout, {format_size(output.stderr)} to stderr{cut}"


def _timeline(job: Job, now: datetime) -> Iterator[str]:
    by = f" by {job.submitted_by}" if job.submitted_by else ""
    yield _event(job.submitted_at, now, f"submitted{by}")
    if job.attempts and job.attempts[0].number > 1:
        yield f"  … {job.attempts[0].number - 1} earlier attempts"
    of = f" of {job.retries + 1}" if job.retries else ""
    for attempt in job.attempts:
        yield _event(attempt.started_at, now, f"attempt {attempt.number}{of} started on {attempt.agent}")
        if attempt.finished_at is not None:
            took = humanize(attempt.finished_at - attempt.started_at)
            yield _event(attempt.finished_at, now, f"attempt {attempt.number} {_ended(attempt)} after {took}")
    if job.state is State.RETRYING and job.retry_at is not None:
        yield _event(job.retry_at, now, f"attempt {job.attempt + 1}{of} is due")
    elif job.finished_at is not None and not _tells_the_end(job):
        yield _event(job.finished_at, now, one_line(describe_end(job)))


def _tells_the_end(job: Job) -> bool:
    """Return whether the last attempt's end was the job's."""
    return bool(job.attempts) and job.attempts[-1].finished_at == job.finished_at


def _event(moment: datetime, now: datetime, text: str) -> str:
    return f"  {clock(moment, now)}  {text}"


def _ended(attempt: Attempt) -> str:
    """Return how one attempt ended."""
    match attempt.ended:
        case "exit":
            return f"ended with exit code {attempt.exit_code}"
        case "signal":
            return f"was ended by {name_signal(attempt.signal or 0)}"
        case "timeout":
            return "timed out"
        case "not_started":
            return "could not be started"
        case "error":
            return f"raised {attempt.error.type}" if attempt.error else "raised an error"
        case "lost":
            return "was lost: its agent went silent"
        case "cancelled" | "interrupted" | "rejected" | "expired" as word:
            return f"was {word}"
        case word:
            return word or "ended"


def _error_lines(job: Job) -> Iterator[str]:
    if job.error is None or job.state is State.SUCCEEDED:
        return
    yield ""
    traceback = job.error.traceback
    text = traceback or describe_failure(job.error)
    yield from (f"  {neutralise(line)}" for line in text.rstrip("\n").split("\n"))


def _next_steps(job: Job) -> Iterator[tuple[str, str]]:
    if job.attempt:
        follow = "" if job.state.final else " -f"
        yield f"tq logs {job.id}{follow}", "what it printed" if job.state.final else "what it prints"
    if job.state.final:
        yield f"tq retry {job.id}", "run it again"
    else:
        if job.state in {State.SCHEDULED, State.RETRYING}:
            yield f"tq start {job.id}", "let it go now"
        yield f"tq wait {job.id}", "until it has ended"
        yield f"tq cancel {job.id}", "end it"
