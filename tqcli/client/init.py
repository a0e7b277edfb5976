"""Making the streams, or giving those that are there more copies: what an operator does once for a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tqcli.errors import InvalidInput, NotFound, SettingsError
from tqcli.jetstream.api import call
from tqcli.jetstream.lookup import compare_consumers
from tqcli.jetstream.topology import (
    consumer_differences,
    make_stream,
    put_consumer,
    refuse_stream,
    stream_configs,
    stream_differences,
)

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

COPIES = (1, 3, 5)
"""An even number outlives no more servers than the odd one below it, and needs one more for a majority."""


class Change(msgspec.Struct, frozen=True):
    """What became of one stream: `before` is its number of copies until now, None where it was not there."""

    stream: str
    before: int | None
    copies: int


async def init_streams(broker: Broker, *, copies: int) -> list[Change]:
    """Make the streams that are missing, and give all of them so many copies; nothing else of them is changed.

    Raises:
        InvalidInput: `copies` is not 1, 3 or 5.
        SettingsError: the server is not in a cluster, or a stream differs from what tq needs.
        Unavailable: the cluster has too few servers.
    """
    if copies not in COPIES:
        msg = f"{copies} copies of each stream make no sense"
        raise InvalidInput(msg, hint="3 outlive the loss of one server, 5 that of two; 1 is for a server on its own")
    if copies > 1 and broker.link.server.cluster is None:
        msg = f"{broker.link.server.url} is a server on its own: it keeps one copy"
        raise SettingsError(msg, hint=f"copies are kept by the servers of a cluster, at least {copies} of them")
    return [await _init_stream(broker, name, copies) for name in stream_configs(broker.names)]


async def init_consumers(broker: Broker) -> list[str]:
    """Make the consumers of the queues that are there as this version needs them; return the names of those it changed.

    What they have delivered stays delivered.
    """
    changed = []
    for stream, config, info in await compare_consumers(broker.link, broker.names):
        if info is None or consumer_differences(config, info["config"]):
            await put_consumer(broker.link, stream, config, action="create" if info is None else "update")
            changed.append(config["name"])
    return changed


async def _init_stream(broker: Broker, name: str, copies: int) -> Change:
    link, wanted = broker.link, stream_configs(broker.names, replicas=copies)[name]
    try:
        found = (await call(link, f"STREAM.INFO.{name}"))["config"]
    except NotFound:
        await make_stream(link, wanted)
        return Change(name, None, copies)
    refuse_stream(name, stream_differences(wanted, found))
    before = found["num_replicas"]
    if before != copies:
        await call(link, f"STREAM.UPDATE.{name}", found | {"num_replicas": copies})
    return Change(name, before, copies)
