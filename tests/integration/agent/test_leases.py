"""What an agent's leases do when answers are late, missing or bad. The times are shortened, the server is real."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.support.eventually import eventually_async
from tqcli.agent import lease
from tqcli.agent.lease import Leases
from tqcli.errors import CorruptRecord
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.connection import Connection, connect
from tqcli.jetstream.subjects import Names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from tests.support.server import NatsServer
    from tqcli.core.endpoint import Endpoint

ANSWERING = "$JS.API.INFO"


class Thing:
    """Something held; `answer` is what it finds out about itself."""

    def __init__(self, settle: str = ANSWERING, *, answer: bool | None = True) -> None:
        """Without an `answer` it can't find out."""
        self.settle = settle
        self.asked = 0
        self.answer = answer

    async def still_ours(self) -> bool:
        """Answer, and count."""
        self.asked += 1
        if self.answer is None:
            raise CorruptRecord
        return self.answer


@asynccontextmanager
async def held(endpoint: Endpoint, *things: Thing) -> AsyncIterator[tuple[Leases, Connection]]:
    """Hold things, and confirm them meanwhile."""
    link = await connect(endpoint)
    leases = Leases(Broker(link, Names()))
    for thing in things:
        leases.add(thing)
    task = asyncio.get_running_loop().create_task(leases.run())
    try:
        yield leases, link
    finally:
        task.cancel()
        await asyncio.wait({task})
        await link.close()


def test_each_lease_is_on_its_own(fresh_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a gap each thing is asked, though one can't be confirmed and one can't tell; that one is asked again."""
    monkeypatch.setattr(lease, "BEAT_S", 0.05)
    monkeypatch.setattr(lease, "ACK_WAIT_S", 0.5)
    gone, unreadable, lost, fine = Thing("nobody.listens"), Thing(answer=None), Thing(answer=False), Thing()

    async def main() -> None:
        async with held(fresh_server.endpoint, gone, unreadable, lost, fine) as (leases, _):
            fresh_server.freeze()
            await eventually_async(lambda: not leases.holds(fine), 10)
            fresh_server.thaw()
            await eventually_async(lambda: leases.holds(fine) and unreadable.asked > 2, 10)
            assert not any(leases.holds(thing) for thing in (gone, unreadable, lost))
            unreadable.answer = True
            await eventually_async(lambda: leases.holds(unreadable), 10)
            assert (gone.asked, lost.asked) == (0, 1)

    asyncio.run(main())


def test_after_a_restart_of_the_server_everything_held_is_asked(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fresh its lease is: the server delivers again what it had delivered."""
    monkeypatch.setattr(lease, "BEAT_S", 0.05)
    lost, fine = Thing(answer=False), Thing()

    async def main() -> None:
        async with held(nats_server.endpoint, lost, fine) as (leases, _):
            leases.doubt()
            assert not leases.holds(fine)
            await eventually_async(lambda: leases.holds(fine) and lost.asked, 10)
            assert not leases.holds(lost)
            assert fine.asked == 1

    asyncio.run(main())


def test_the_beat_waits_for_no_answer(nats_server: NatsServer, unique: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next confirmations go out while the first is still unanswered."""
    monkeypatch.setattr(lease, "BEAT_S", 0.05)
    monkeypatch.setattr(lease, "ACK_WAIT_S", 60.0)

    async def main() -> None:
        async with held(nats_server.endpoint) as (leases, link):
            silent = await link.subscribe(unique)
            leases.add(Thing(unique))
            for _ in range(3):
                assert await silent.next(10) is not None

    asyncio.run(main())


def test_a_lease_counts_from_before_its_delivery_came(nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stopped process finds when it goes on may have been on its way for all that time."""
    monkeypatch.setattr(lease, "ACK_WAIT_S", 0.3)
    before, after = Thing(), Thing()

    async def main() -> None:
        link = await connect(nats_server.endpoint)
        leases = Leases(Broker(link, Names()))
        leases.add(before)
        await eventually_async(lambda: not leases.holds(before), 10)
        leases.add(after)
        assert not leases.holds(after)
        await link.close()

    asyncio.run(main())
