"""Putting jobs into their queue: one publish for one job, atomic batches for many.

The job's id is its `Nats-Msg-Id`, chosen before the first try, so repeating a publish whose answer got lost is safe
(H1). JetStream forgets ids at a restart once their job is consumed (H2); so a repeat carries a mark, and the agent
that gets it reads the record before it starts anything.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from tqcli.errors import NotFound, QueueFull, TqError, Unavailable, Unknown
from tqcli.jetstream.api import DuplicateInBatch, PubAck, check_ack
from tqcli.jetstream.batch import Part, send_batch
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.subjects import HEADER_MSG_ID, HEADER_RECHECK
from tqcli.jetstream.topology import ensure_streams

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.link import Message

BATCH = 1000
"""Messages of one atomic batch: the server's cap."""

BATCHES_IN_FLIGHT = 4
ANSWER_TIMEOUT_S = 3.0
PATIENCE_S = 15.0
"""How long to try before the outcome is called unknown; an election takes up to 8 s (H29)."""


class Item(NamedTuple):
    """A job to enqueue: its subject, its id as text, its spec as bytes."""

    subject: str
    id: str
    spec: bytes


async def enqueue(broker: Broker, item: Item, *, recheck: bool = False) -> PubAck:
    """Put one job into its queue and return the PubAck: from then on it will end.

    Raises:
        Unknown: a try got no answer, and none after it succeeded for `PATIENCE_S` or until the stream was full; the job
            may be queued.
        Unavailable: the broker took no try in that time; the job is not queued.
        QueueFull: the stream's limit is reached; the job is not queued.
    """

    def publish(repeated: bool) -> Awaitable[Message]:  # noqa: FBT001
        headers = {HEADER_MSG_ID: item.id}
        if repeated or recheck:
            headers[HEADER_RECHECK] = "1"
        return broker.link.post(item.subject, item.spec, headers=headers, timeout_s=ANSWER_TIMEOUT_S)

    return await _insist(broker, publish, item.id)


async def enqueue_many(
    broker: Broker,
    items: Sequence[Item],
    *,
    recheck: bool = False,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Put many jobs into their queues, 1,000 with one PubAck; each batch is taken whole or not at all.

    `recheck`: they may be there already, so whoever gets them reads the record first. `progress` is called with the
    number of jobs that are safe so far.

    Raises:
        Unknown, Unavailable, QueueFull: as `enqueue`; the message says how many were accepted.
    """
    done = 0
    window: list[tuple[Sequence[Item], Awaitable[Message]]] = []
    try:
        for start in range(0, len(items), BATCH):
            batch = items[start : start + BATCH]
            window.append((batch, await _send_batch(broker, batch, repeated=recheck)))
            if len(window) == BATCHES_IN_FLIGHT:
                done += await _confirm(broker, *window.pop(0))
                if progress:
                    progress(done)
        while window:
            done += await _confirm(broker, *window.pop(0))
            if progress:
                progress(done)
    except (Unavailable, Unknown) as error:
        unsure = isinstance(error, Unknown)
        for batch, answer in window:  # those that were on their way when the other one failed
            try:
                check_ack(await answer, batch[0].id)
            except Unknown:
                unsure = True
            except TqError:
                continue
            else:
                done += len(batch)
        msg = f"{done:,} of {len(items):,} jobs were accepted; then: {error.message}"
        raise (Unknown if unsure else type(error))(msg, hint=error.hint) from error


async def _confirm(broker: Broker, batch: Sequence[Item], answer: Awaitable[Message]) -> int:
    """Wait until a batch is safe; return its size."""
    first = [answer]

    async def publish(repeated: bool) -> Message:  # noqa: FBT001
        if first:
            return await first.pop()
        return await (await _send_batch(broker, batch, repeated=repeated))

    try:
        await _insist(broker, publish, batch[0].id)
    except DuplicateInBatch:
        # Atomic: the ids of this batch are known because an earlier try of it was committed whole.
        return len(batch)
    return len(batch)


async def _send_batch(broker: Broker, batch: Sequence[Item], *, repeated: bool) -> Awaitable[Message]:
    """Send jobs as an atomic batch; return its answer-to-be."""
    mark = {HEADER_RECHECK: "1"} if repeated else {}
    parts = [Part(item.subject, item.spec, {HEADER_MSG_ID: item.id, **mark}) for item in batch]
    batch_id = f"{batch[0].id}-{os.urandom(4).hex()}"
    return await send_batch(broker.link, batch_id, parts, timeout_s=ANSWER_TIMEOUT_S + len(batch) / 250)


async def _insist(broker: Broker, publish: Callable[[bool], Awaitable[Message]], what: str) -> PubAck:
    """Publish until the answer is clear or patience ends."""
    give_up_at, sent, pause = time.monotonic() + PATIENCE_S, False, 0.1
    while True:
        try:
            return check_ack(await publish(sent), f"job {what}")
        except QueueFull as error:  # time does not help
            if sent:  # what it refuses now, it may have taken before
                raise _gave_up(what, error, sent=sent) from error
            raise
        except (NotFound, Unavailable, Unknown) as error:
            sent = sent or isinstance(error, Unknown)
            if time.monotonic() >= give_up_at:
                raise _gave_up(what, error, sent=sent) from error
            missing = isinstance(error, (NotFound, NoResponders))
        if missing and not sent:
            await _make_streams(broker)
        await broker.link.sleep(pause)
        pause = min(pause * 2, 1.0)


async def _make_streams(broker: Broker) -> None:
    """Make the streams that are missing; where nobody can make them just now, the next try tells."""
    try:
        await ensure_streams(broker.link, broker.names)
    except QueueFull:
        raise
    except (Unavailable, Unknown):
        return


def _gave_up(what: str, error: TqError, *, sent: bool) -> TqError:
    """Return what to say of a job once patience has ended; a try that got no answer may have put it into its queue."""
    if sent:
        return Unknown(
            f"job {what} may or may not be queued: the broker did not confirm it",
            hint=f"`tq status {what}` tells once the broker is back; submitting again makes a second job",
        )
    return Unavailable(f"job {what} is not queued: {error.message}", hint=error.hint or "try again later")
