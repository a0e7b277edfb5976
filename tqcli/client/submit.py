"""Sending jobs: one publish for one, atomic batches for a group. Everything was checked before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from tqcli.core.codec import encode_spec
from tqcli.core.ids import JobId
from tqcli.core.spec import DEFAULT_QUEUE
from tqcli.errors import Conflict, NotFound, Unavailable, Unknown
from tqcli.jetstream.enqueue import Item, enqueue, enqueue_many
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.topology import consumer_info, ensure_streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.core.spec import Spec
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.subjects import Names


async def submit(
    broker: Broker,
    specs: Sequence[Spec],
    *,
    payload: bytes | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Send checked specs of one queue; from the return on, each of their jobs will end.

    `payload` is the object that their standard input names. `progress` is called with the number of jobs that are safe.

    Raises:
        NotFound: there is no such queue; nothing was sent.
        Conflict: somebody removed the queue meanwhile; the jobs lie there, and nobody gets them.
        Unavailable, QueueFull: the broker took none, or not all of them; the message says how many.
        Unknown: it may have taken them.
    """
    await check_queue(broker, specs[0].queue)
    if payload is not None:
        await store_payload(broker, payload)
    if len(specs) == 1:
        await enqueue(broker, make_item(broker.names, specs[0]))
    else:
        await enqueue_specs(broker, specs, progress=progress)
    await check_still_there(broker, specs[0])


async def enqueue_specs(
    broker: Broker, specs: Sequence[Spec], *, progress: Callable[[int], None] | None = None
) -> None:
    """Queue many jobs; raises as `submit`."""
    await enqueue_many(broker, _Items(broker.names, specs), progress=progress)


def make_item(names: Names, spec: Spec) -> Item:
    """Return the message of one job."""
    # As `str(spec.id)`, five times as fast: this is done a million times.
    job_id = spec.group if spec.size is None else f"{spec.group}.{spec.index}"
    return Item(names.job(spec.queue, spec.priority, spec.group, spec.index), job_id, encode_spec(spec))


async def check_queue(broker: Broker, queue: str) -> None:
    """Return where the queue is there; the default one comes with its first agent.

    Raises:
        NotFound: there is none of that name, so its jobs would wait for ever.
    """
    if queue == DEFAULT_QUEUE:
        return
    try:
        await consumer_info(broker.link, broker.names.jobs, broker.names.queue_consumer(queue, "normal"))
    except NotFound:
        from tqcli.client.queues import require_queue  # noqa: PLC0415 - only a mistake needs the list of queues

        await require_queue(broker, queue, addable=True)


async def check_still_there(broker: Broker, first: Spec) -> None:
    """Return where the queue is there now that its new jobs are: whoever removes one looks for jobs after that.

    Raises:
        Conflict: it was removed.
    """
    try:
        await check_queue(broker, first.queue)
    except (Unavailable, Unknown):
        # The jobs are safe, and their queue was there a moment ago.
        return
    except NotFound as error:
        job = JobId(first.group)
        msg = f"somebody removed the queue {first.queue!r} while job {job} was submitted to it"
        raise Conflict(msg, hint=f"`tq queue add {first.queue}` and the job will run, or: tq cancel {job}") from error


async def store_payload(broker: Broker, payload: bytes) -> None:
    """Store the object that specs name as their standard input."""
    from tqcli.jetstream.objects import put_object  # noqa: PLC0415 - few jobs have one

    try:
        await put_object(broker, payload)
    except NoResponders:  # the first job ever
        await ensure_streams(broker.link, broker.names)
        await put_object(broker, payload)


class _Items(Sequence[Item]):
    """The messages of `specs`, made when they are asked for."""

    def __init__(self, names: Names, specs: Sequence[Spec]) -> None:
        self._names = names
        self._specs = specs

    def __len__(self) -> int:
        return len(self._specs)

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> list[Item]: ...
    def __getitem__(self, at: int | slice) -> Item | list[Item]:
        if isinstance(at, int):
            return make_item(self._names, self._specs[at])
        return [make_item(self._names, spec) for spec in self._specs[at]]
