"""Moving firings through an outage, and many at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.integration.agent.test_made_up import make_spec
from tests.support.eventually import eventually_async
from tqcli.agent import firings
from tqcli.agent.firings import Firings
from tqcli.agent.schedules import Schedules
from tqcli.core.codec import encode_spec
from tqcli.jetstream import connection
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.connection import connect
from tqcli.jetstream.subjects import Names
from tqcli.jetstream.topology import ensure_streams, ensure_timers, stream_state

if TYPE_CHECKING:
    import pytest

    from tests.support.server import NatsServer
    from tqcli.jetstream.pull import Delivery


async def count(broker: Broker, stream: str) -> int:
    """Return how many messages a stream holds."""
    messages: int = (await stream_state(broker.link, stream))["messages"]
    return messages


def test_an_outage_does_not_end_the_moving(fresh_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever can't be asked while the broker is away is asked again when it is back."""
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT_S", 0.1)  # as long as a publish waits for a connection

    async def scenario() -> None:
        link = await connect(fresh_server.endpoint)
        broker = Broker(link, Names("tq"))
        await ensure_streams(link, broker.names)
        await ensure_timers(link, broker.names)
        mover = Firings(broker, link, Schedules(broker))
        link.on_reconnect(mover.reconnected)
        moving = asyncio.create_task(mover.run())
        asking = mover._puller  # noqa: SLF001
        await eventually_async(lambda: asking.asking, 10)
        fresh_server.stop()
        await eventually_async(lambda: not link.connected, 10)
        mover.reconnected()  # the request under way ends; those that follow find no connection
        for _ in range(2):
            await eventually_async(lambda: asking.asking or moving.done(), 10)
            await eventually_async(lambda: not asking.asking, 10)
        assert not moving.done()
        fresh_server.start()
        await eventually_async(lambda: link.connected, 10)
        spec = make_spec()
        await link.post(broker.names.firing(spec.group, 0), encode_spec(spec), timeout_s=10.0)
        async with asyncio.timeout(10):
            while await count(broker, broker.names.timers):
                pass
        assert await count(broker, broker.names.jobs) == 1
        moving.cancel()
        await link.close()

    asyncio.run(scenario())


def test_few_firings_are_under_way_at_once(
    nats_server: NatsServer, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a spec in memory: no more are asked for while so many are not queued yet."""
    monkeypatch.setattr(firings, "MOVES_MOST", 4)
    monkeypatch.setattr(firings, "TOGETHER", 2)
    most = 0

    async def scenario() -> None:
        nonlocal most
        link = await connect(nats_server.endpoint)
        broker = Broker(link, Names(unique))
        await ensure_streams(link, broker.names)
        await ensure_timers(link, broker.names)
        specs = [make_spec(number) for number in range(20)]
        await asyncio.gather(*(link.post(broker.names.firing(spec.group, 0), encode_spec(spec)) for spec in specs))
        gate = asyncio.Event()

        class Slow(Firings):
            """Moves nothing before the gate is open."""

            async def _move(self, delivery: Delivery) -> None:
                nonlocal most
                most = max(most, len(self._moves))
                await gate.wait()
                await super()._move(delivery)

        moving = asyncio.create_task(Slow(broker, link, Schedules(broker)).run())
        await eventually_async(lambda: most >= 4, 10)
        await count(broker, broker.names.timers)  # what the server sent before this answer has come
        gate.set()
        async with asyncio.timeout(10):
            while await count(broker, broker.names.timers):
                pass
        assert await count(broker, broker.names.jobs) == 20
        moving.cancel()
        await link.close()

    asyncio.run(scenario())
    assert most <= 5
