"""What jobs printed so far, read back from the log stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.client.printed import Attempts, Reader, Which
from tqcli.core.glance import glance
from tqcli.errors import NotFound
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.subjects import split_tail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tqcli.client.printed import Printed
    from tqcli.core.job import Job
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.scan import Stored

ANY = "*"
PAGE = 16
"""Messages that a follower reads at once; an agent's have 128 KiB at most."""

PAGE_BYTES = 2 * 1024 * 1024
"""What is read at once of logs that nobody follows."""

TOGETHER_BYTES = 32 * 1024 * 1024
"""A group's output up to this is read in one go and put in order here; of more, each job's is read by itself."""


def choose_attempts(last: int, attempts: Attempts) -> range:
    """Return the attempts that are meant where the last one of a job is `last`.

    An attempt has no record in its first moments, so there may be one more.
    """
    match attempts:
        case Which.ALL:
            return range(1, last + 2)
        case Which.LAST:
            return range(last or 1, (last or 1) + 1)
        case number:
            return range(number, number + 1)


def check_attempt(job: Job, attempts: Attempts) -> None:
    """See that a job had an attempt that is asked for by its number, or has it just now.

    Raises:
        NotFound: it had not.
    """
    if isinstance(attempts, int) and attempts > job.attempt + (not job.state.final):
        count = "1 attempt" if job.attempt == 1 else f"{job.attempt} attempts"
        msg = f"no attempt {attempts} of job {job.id}: it had {count}"
        raise NotFound(msg, hint=f"`tq logs --attempt all {job.id}` shows what all of them printed")


async def read_output(broker: Broker, job: Job, attempts: Attempts) -> AsyncIterator[Printed]:
    """Yield what a job printed, in order.

    Raises:
        NotFound: it had no such attempt.
    """
    check_attempt(job, attempts)
    for attempt in choose_attempts(job.attempt, attempts):
        async for printed in _read_one(broker, job.group, job.index or 0, attempt):
            yield printed


async def read_group_output(broker: Broker, group: str, attempts: Attempts) -> AsyncIterator[Printed]:
    """Yield what the jobs of a group printed, one job after the other in the order of their indexes."""
    last = await read_last_attempts(broker, group)
    together = await _read_together(broker, group)
    if together is not None:
        for printed in together:
            if printed.attempt in choose_attempts(last.get(printed.element, 0), attempts):
                yield printed
        return
    for element, last_attempt in last.items():
        for attempt in choose_attempts(last_attempt, attempts):
            async for printed in _read_one(broker, group, element, attempt):
                yield printed


async def read_last_attempts(broker: Broker, group: str) -> dict[int, int]:
    """Return the last attempt of each job of a group that has a record, by its index and in this order."""
    records = oldest_first(broker.link, broker.names.records, broker.names.records_of(group))
    # They come in the order in which they were written last.
    return dict(sorted([(split_tail(stored.subject)[1], glance(stored.body).attempt) async for stored in records]))


async def _read_one(broker: Broker, group: str, element: int, attempt: int) -> AsyncIterator[Printed]:
    reader = Reader()
    async for stored in oldest_first(
        broker.link, broker.names.logs, broker.names.log(group, element, attempt), page_bytes=PAGE_BYTES
    ):
        for printed in reader.take(stored.subject, stored.body):
            yield printed
    for printed in reader.flush():
        yield printed


async def _read_together(broker: Broker, group: str) -> list[Printed] | None:
    """Return all that a group printed, in order, or None where it is too much to hold."""
    found: list[Stored] = []
    size_bytes = 0
    subject = broker.names.log(group, ANY, ANY)
    async for stored in oldest_first(broker.link, broker.names.logs, subject, page_bytes=PAGE_BYTES):
        size_bytes += len(stored.body)
        if size_bytes > TOGETHER_BYTES:
            return None
        found.append(stored)
    reader = Reader()
    printed = [one for stored in found for one in reader.take(stored.subject, stored.body)]
    printed += reader.flush()
    printed.sort(key=lambda one: (one.element, one.attempt))  # stable: within an attempt, the order stays
    return printed
