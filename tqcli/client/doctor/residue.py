"""Messages that an acknowledgement should have removed, and did not: the stream could not be written then (H19).

The consumer is past them, so no agent will ever get them. Of a job that has ended it is litter; of one that has not it
is a job that would wait for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tqcli.client.doctor.finding import Finding, fail, warn, well
from tqcli.core.codec import decode_record
from tqcli.core.plural import count
from tqcli.jetstream.api import call
from tqcli.jetstream.enqueue import Item, enqueue
from tqcli.jetstream.lookup import load_many, read_consumers
from tqcli.jetstream.scan import Stored, oldest_first
from tqcli.jetstream.subjects import split_job_subject, split_queue_consumer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tqcli.jetstream.broker import Broker

MEND = "tq doctor --fix"


class Residue(msgspec.Struct, frozen=True):
    """What was found: messages of jobs that `ended`, and of those that were `stranded`."""

    ended: list[Stored]
    stranded: list[Stored]


async def check(broker: Broker) -> list[Finding]:
    """Return what there is to say."""
    residue = await find_residue(broker)
    found = []
    if residue.stranded:
        text = f"{count(len(residue.stranded), 'job')} in the stream, but in no agent's reach"
        found.append(fail("residue", text, f"{MEND} puts them into their queues again"))
    if residue.ended:
        text = f"{count(len(residue.ended), 'message')} left of jobs that have ended"
        found.append(warn("residue", text, f"{MEND} removes them"))
    return found or [well("residue", "none")]


async def find_residue(broker: Broker) -> Residue:
    """Return the messages that every consumer is past."""
    left = [message async for message in _read_left(broker)]
    places = {message.sequence: split_job_subject(message.subject)[2:] for message in left}
    subjects = {sequence: broker.names.record(*place) for sequence, place in places.items()}
    records = await load_many(broker.link, broker.names.records, list(subjects.values()))
    residue = Residue([], [])
    for message in left:
        stored = records.get(subjects[message.sequence])
        over = stored is not None and decode_record(stored.body).state.final
        (residue.ended if over else residue.stranded).append(message)
    return residue


async def mend_residue(broker: Broker) -> Residue:
    """Remove what is left of ended jobs, queue the stranded ones again, and return what was found.

    Raises:
        Unavailable, Unknown: the broker does not answer. What was not mended still is there.
    """
    residue = await find_residue(broker)
    for message in residue.stranded:
        # A new message id: the old one may be known still. The mark makes its agent read the record first.
        item = Item(message.subject, f"{message.sequence}-again", message.body)
        await enqueue(broker, item, recheck=True)
    await _remove(broker, [*residue.stranded, *residue.ended])
    return residue


async def _read_left(broker: Broker) -> AsyncIterator[Stored]:
    names = broker.names
    async for info in read_consumers(broker.link, names.jobs):
        floor = info["ack_floor"]["stream_seq"]
        if split_queue_consumer(info["name"]) is None or not floor:
            continue
        async for message in oldest_first(broker.link, names.jobs, info["config"]["filter_subject"]):
            if message.sequence > floor:
                break
            yield message


async def _remove(broker: Broker, messages: Sequence[Stored]) -> None:
    for message in messages:
        await call(broker.link, f"STREAM.MSG.DELETE.{broker.names.jobs}", {"seq": message.sequence, "no_erase": True})
