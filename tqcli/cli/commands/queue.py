"""`tq queue`: the queues, and what an operator does to them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec

from tqcli.cli.output import has_typist
from tqcli.cli.parameter import Argument, Option
from tqcli.cli.value import whole_number
from tqcli.client import queues as client
from tqcli.client.timed import count_timed
from tqcli.core.duration import format_duration
from tqcli.core.exit_status import EXIT_CANCELLED
from tqcli.core.plural import count
from tqcli.errors import InvalidInput
from tqcli.jetstream.limits import MAX_LIMIT

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.cli.output import Output
    from tqcli.cli.session import Session

_YES = frozenset({"y", "yes"})


class _Done(msgspec.Struct, omit_defaults=True):
    """What `--json` prints of a change."""

    queue: str
    done: str
    limit: int | None = None
    cancelled: int | None = None


_parse_number = whole_number(1, MAX_LIMIT)


def _parse_limit(text: str) -> object:
    if text == "none":
        return None
    try:
        return _parse_number(text)
    except InvalidInput as error:
        hint = f"from 1 to {MAX_LIMIT:,}, or none; `tq queue pause` stops it"
        msg = f"the limit {error.message}"
        raise InvalidInput(msg, hint=hint) from None


_Name = Annotated[str, Argument("QUEUE", help="the queue", complete="queue")]


def ls(tq: Invocation) -> None:
    """List the queues: what waits and runs in each, its limit, who serves it.

    Examples:
        tq queue ls
        tq queue ls --json | jq '.[] | select(.queued > 100) | .name'
    """
    with tq.session() as session:
        queues = session.run(client.list_queues(session.broker))
    if tq.output.json:
        tq.output.document(queues)
        return
    if not queues:
        tq.output.note("no queues yet: an agent makes those that it serves, `tq queue add NAME` makes one")
        return
    from tqcli.cli.render.queue import LIST, list_row  # noqa: PLC0415 - JSON needs no table

    now = datetime.now(UTC)
    tq.output.table(LIST, [list_row(queue, now, tq.output) for queue in queues])


def add(tq: Invocation, queue: Annotated[str, Argument("QUEUE", help="its name")]) -> None:
    """Add a queue, so that jobs can be submitted to it before an agent serves it.

    Examples:
        tq queue add gpu
    """
    with tq.session() as session:
        new = session.run(client.add_queue(session.broker, queue))
    done, text = ("added", "added") if new else ("kept", "is there already")
    _tell(tq.output, _Done(queue, done), f"queue {queue} {text}")


def rm(tq: Invocation, queue: _Name) -> None:
    """Remove a queue that no job waits for and no agent serves.

    Examples:
        tq queue rm gpu
    """
    with tq.session() as session:
        session.run(client.remove_queue(session.broker, queue))
    _tell(tq.output, _Done(queue, "removed"), f"queue {queue} removed")


def pause(
    tq: Invocation,
    queue: _Name,
    *,
    duration: Annotated[timedelta | None, Option("--for", metavar="D", help="resume by itself after this long")] = None,
) -> None:
    """Start no more jobs of a queue; what runs goes on, and jobs can still be submitted.

    Examples:
        tq queue pause gpu
        tq queue pause default --for 2h
    """
    with tq.session() as session:
        session.run(client.pause_queue(session.broker, queue, duration=duration))
    how = "" if duration is None else f" for {format_duration(duration)}"
    _tell(tq.output, _Done(queue, "paused"), f"queue {queue} paused{how}")


def resume(tq: Invocation, queue: _Name) -> None:
    """Start jobs of a paused queue again.

    Examples:
        tq queue resume gpu
    """
    with tq.session() as session:
        session.run(client.resume_queue(session.broker, queue))
    _tell(tq.output, _Done(queue, "resumed"), f"queue {queue} resumed")


def limit(
    tq: Invocation,
    queue: _Name,
    most: Annotated[
        int | None,
        Argument("N|none", help="how many of its jobs may run at once", parse=_parse_limit, complete="none"),
    ],
) -> None:
    """Limit how many jobs of a queue run at once, over all its agents, exactly; `none` ends the limit.

    Priorities go on as before. A lower limit holds as soon as enough of what runs has ended.

    Examples:
        tq queue limit licences 2
        tq queue limit licences none
    """
    with tq.session() as session:
        session.run(client.limit_queue(session.broker, queue, most))
    text = f"queue {queue} has no limit" if most is None else f"queue {queue} runs at most {most:,} at once"
    _tell(tq.output, _Done(queue, "limited", limit=most), text)


def purge(
    tq: Invocation, queue: _Name, *, yes: Annotated[bool, Option("-y", "--yes", help="don't ask")] = False
) -> int:
    """Cancel all jobs that wait in a queue, for their time or a retry as well; what runs goes on.

    On a terminal, it asks first.

    Examples:
        tq queue pause gpu && tq queue purge gpu --yes
    """
    from tqcli.cli.progress import show_progress  # noqa: PLC0415 - only this one takes long
    from tqcli.client.purge import purge_queue  # noqa: PLC0415

    with tq.session() as session:
        total = _count_waiting(session, queue)
        if not yes and total and has_typist() and not _agrees(f"Cancel {count(total, 'waiting job')} of {queue}?"):
            tq.output.note("nothing was cancelled")
            return EXIT_CANCELLED
        with show_progress(tq.output, "cancelling") as progress:
            purging = purge_queue(session.broker, queue, progress=lambda done: progress.update(done, max(total, done)))
            done = session.run(purging)
    _tell(tq.output, _Done(queue, "purged", cancelled=done), f"queue {queue} purged: {count(done, 'job')} cancelled")
    return 0


def _count_waiting(session: Session, queue: str) -> int:
    session.run(client.require_queue(session.broker, queue))
    queued = next(one.queued for one in session.run(client.list_queues(session.broker)) if one.name == queue)
    return queued + session.run(count_timed(session.broker, queue))


def _agrees(question: str) -> bool:
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in _YES


def _tell(output: Output, done: _Done, text: str) -> None:
    if output.json:
        output.document(done)
    else:
        output.line(text)
