"""Sending jobs: one publish for one, atomic batches for a group. Everything was checked before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from tqcli.core.codec import encode_spec
from tqcli.core.spec import DEFAULT_QUEUE
from tqcli.errors import NotFound
from tqcli.jetstream.enqueue import Item, enqueue, enqueue_many
from tqcli.jetstream.link import NoResponders
from tqcli.jetstream.objects import put_object
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
        Unavailable, QueueFull: the broker took none, or not all of them; the message says how many.
        Unknown: it may have taken them.
    """
    await check_queue(broker, specs[0].queue)
    if payload is not None:
        await _store(broker, payload)
    items = _Items(broker.names, specs)
    if len(specs) == 1:
        await enqueue(broker, items[0])
    else:
        await enqueue_many(broker, items, progress=progress)


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

        await require_queue(broker, queue)


async def _store(broker: Broker, payload: bytes) -> None:
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
            return self._make(self._specs[at])
        return [self._make(spec) for spec in self._specs[at]]

    def _make(self, spec: Spec) -> Item:
        subject = self._names.job(spec.queue, spec.priority, spec.group, spec.index)
        return Item(subject, str(spec.id), encode_spec(spec))
