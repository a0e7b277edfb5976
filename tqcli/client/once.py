"""Submitting at most once with a key, however often and from wherever it is tried.

JetStream forgets message ids after two minutes, and those of a work queue's consumed messages at a restart (H2). So the
key's jobs have an id made of the key, and before the first is queued its record is written, by compare-and-set: whoever
comes second finds it. A try that broke off in between is completed by the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tqcli.client.query import find
from tqcli.client.submit import check_queue, check_still_there, enqueue_specs, make_item, store_payload
from tqcli.core.codec import decode_record, encode_spec
from tqcli.core.ids import JobId
from tqcli.core.record import queued
from tqcli.core.state import State
from tqcli.errors import Conflict, NotFound
from tqcli.jetstream.api import WrongSequence
from tqcli.jetstream.enqueue import enqueue
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.records import write_record
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.subjects import split_tail
from tqcli.jetstream.topology import ensure_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker


class _Known(NamedTuple):
    """Jobs of a key: the spec of one of them, and those without a message, and without a record but a reservation."""

    spec: Spec
    missing: Sequence[Spec]


async def submit_once(
    broker: Broker,
    specs: Sequence[Spec],
    *,
    payload: bytes | None = None,
    progress: Callable[[int], None] | None = None,
) -> Spec | None:
    """Send the jobs, whose group was derived from a key, unless all are there: then return one of those that are.

    Raises:
        Conflict: other jobs have this key.
        NotFound, Unavailable, QueueFull, Unknown: as `client.submit.submit`.
    """
    first = specs[0]
    await check_queue(broker, first.queue)
    if payload is not None:
        await store_payload(broker, payload)
    known = await _find_known(broker, specs)
    if known is None and not await _reserve(broker, first):
        # Of several who find at once that nothing has this key, one reserves it.
        known = await _find_known(broker, specs) or _Known(first, [])
    missing = specs if known is None else known.missing
    if known is not None and not missing:
        return known.spec
    rest: Sequence[Spec] = missing
    if missing[0].index == first.index:
        # Its record is there before its message, so the agent must be told to read it.
        await enqueue(broker, make_item(broker.names, first), recheck=True)
        rest = missing[1:]
    if rest:
        await enqueue_specs(broker, rest, progress=progress)
    await check_still_there(broker, first)
    return None


async def _reserve(broker: Broker, first: Spec) -> bool:
    """Return whether this is the first try with the key: the record `queued` of its first job was not there."""
    record = queued(encode_spec(first))
    try:
        try:
            await write_record(broker, first.group, first.index, record, expected=0)
        except (NoResponders, NotFound):  # the first job ever
            await ensure_streams(broker.link, broker.names)
            await write_record(broker, first.group, first.index, record, expected=0)
    except WrongSequence:
        return False
    return True


async def _find_known(broker: Broker, specs: Sequence[Spec]) -> _Known | None:
    """Return what is there of the key's jobs; None where no job has it.

    Raises:
        Conflict: the jobs that have it are others, as far as their number, indexes and queue tell.
    """
    names, group = broker.names, specs[0].group
    try:
        found = (await find(broker, JobId(group))).spec
    except NotFound:
        return None
    there: set[int] = set()
    # Messages first, in the order in which they move: a job that ends in between has its record by then.
    whole = (names.jobs, names.job_anywhere(JobId(group), element=False))
    for stream, wildcard in (whole, *((names.timers, subject) for subject in names.timers_of(group)), whole):
        async for stored in oldest_first(broker.link, stream, wildcard):
            there.add(split_tail(stored.subject)[1])
    reserved: set[int] = set()
    async for stored in oldest_first(broker.link, names.records, names.records_of(group)):
        kind = reserved if decode_record(stored.body).state is State.QUEUED else there
        kind.add(split_tail(stored.subject)[1])
    ours = {spec.index for spec in specs}
    if _shape(found) != _shape(specs[0]) or not ours >= there | reserved:
        msg = f"the key belongs to other jobs: {group}"
        raise Conflict(msg, hint=f"`tq status {group}` shows them; choose another key")
    return _Known(found, [spec for spec in specs if spec.index not in there])


def _shape(spec: Spec) -> tuple[int | None, str, type]:
    return spec.size, spec.queue, type(spec.work)
