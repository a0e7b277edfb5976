"""Submitting at most once with a key, however often and from wherever it is tried.

JetStream forgets message ids after two minutes, and those of a work queue's consumed messages at a restart (H2). So the
key's jobs have an id made of the key, and before the first is queued its record is written, by compare-and-set: whoever
comes second finds it. A try that broke off in between is completed by the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.client.submit import check_queue, enqueue_specs, make_item, store_payload
from tqcli.core.codec import decode_record, decode_spec, encode_spec
from tqcli.core.ids import JobId
from tqcli.core.record import queued
from tqcli.core.state import State
from tqcli.errors import Conflict, NotFound
from tqcli.jetstream.api import WrongSequence
from tqcli.jetstream.enqueue import enqueue
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.records import load_record, write_record
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.subjects import split_tail
from tqcli.jetstream.topology import ensure_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker


async def submit_once(
    broker: Broker,
    specs: Sequence[Spec],
    *,
    payload: bytes | None = None,
    progress: Callable[[int], None] | None = None,
) -> bool:
    """Send the jobs, whose group was derived from a key, unless they are there; return whether any was sent.

    Raises:
        Conflict: other jobs have this key.
        NotFound, Unavailable, QueueFull, Unknown: as `client.submit.submit`.
    """
    first = specs[0]
    await check_queue(broker, first.queue)
    if payload is not None:
        await store_payload(broker, payload)
    if await _reserve(broker, first):
        missing = specs
    else:
        missing = await _find_missing(broker, specs)
        if not missing:
            return False
    rest: Sequence[Spec] = missing
    if missing[0].index == first.index:
        # Its record is there before its message, so the agent must be told to read it.
        await enqueue(broker, make_item(broker.names, first), recheck=True)
        rest = missing[1:]
    if rest:
        await enqueue_specs(broker, rest, progress=progress)
    return True


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


async def _find_missing(broker: Broker, specs: Sequence[Spec]) -> list[Spec]:
    """Return those of the specs that have no message, and no record but the one that reserves the key."""
    first = specs[0]
    await _check_same(broker, first)
    names = broker.names
    jobs = names.job_anywhere(JobId(first.group), element=False)
    there: set[int] = set()
    # Messages first: a job that ends in between has its record by then.
    async for stored in oldest_first(broker.link, names.jobs, jobs):
        there.add(split_tail(stored.subject)[1])
    async for stored in oldest_first(broker.link, names.records, names.records_of(first.group)):
        if decode_record(stored.body).state is not State.QUEUED:
            there.add(split_tail(stored.subject)[1])
    return [spec for spec in specs if spec.index not in there]


async def _check_same(broker: Broker, first: Spec) -> None:
    """Return where the jobs that have the key are those we would send, as far as their number and queue tell.

    Raises:
        Conflict: they are others.
    """
    snapshot = await load_record(broker, first.group, first.index)
    spec = None if snapshot is None else decode_spec(bytes(snapshot.record.spec))
    if spec is None or (spec.size, spec.queue, type(spec.work)) != (first.size, first.queue, type(first.work)):
        msg = f"the key belongs to other jobs: {first.group}"
        raise Conflict(msg, hint=f"`tq status {first.group}` shows them; choose another key")
