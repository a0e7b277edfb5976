"""The tickets of a limited queue in one agent's hands: which of them a next job may use."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from tests.support.eventually import eventually_async
from tests.support.stage import Stage
from tqcli.agent import lease
from tqcli.agent.lease import Leases
from tqcli.agent.tickets import Ticket, Tickets
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.connection import Connection, connect
from tqcli.jetstream.limits import remove_limit, set_limit
from tqcli.jetstream.pull import GIVE_BACK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from tests.support.server import NatsServer

SLOTS = 9


@asynccontextmanager
async def open_tickets(stage: Stage) -> AsyncIterator[tuple[Tickets, Connection, Leases]]:
    """Return the tickets of an agent, its connection, and its leases, which are not confirmed."""
    link = await connect(stage.endpoint)
    broker = Broker(link, stage.names)
    leases = Leases(broker)
    tickets = Tickets(broker, link, "default", leases=leases, on_arrival=lambda: None)
    await tickets.open()
    try:
        yield tickets, link, leases
    finally:
        await link.close()


async def take(tickets: Tickets, count: int) -> list[Ticket]:
    """Ask for so many tickets, and take them."""
    await tickets.ask(count)
    await eventually_async(lambda: tickets.room(SLOTS) == count, 10)
    taken = [ticket for _ in range(count) if (ticket := tickets.take())]
    assert tickets.room(SLOTS) == 0
    return taken


async def is_free(stage: Stage, link: Connection) -> bool:
    """Return whether the server has a ticket for who asks now; it is taken then."""
    inbox = link.new_inbox()
    answers = await link.subscribe(inbox)
    request = msgspec.json.encode({"batch": 1, "no_wait": True})
    await link.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stage.names.limits}.default", request, reply=inbox)
    message = await answers.next(10)
    assert message is not None
    return message.status is None


def test_a_removed_ticket_serves_no_next_job(stage: Stage) -> None:
    """A limit that is lowered while all tickets are in use holds once their jobs have ended."""
    stage.run(set_limit(stage.broker, "default", 3))

    async def main() -> None:
        async with open_tickets(stage) as (tickets, _, _):
            taken = await take(tickets, 3)
            stage.run(set_limit(stage.broker, "default", 1))
            await tickets.refresh()
            for ticket in taken:
                tickets.put(ticket)
            assert tickets.room(SLOTS) == 1

    asyncio.run(main())


def test_tickets_go_with_their_limit(stage: Stage) -> None:
    """One that was in use while the limit was removed and set anew is no share of the new one."""
    stage.run(set_limit(stage.broker, "default", 1))

    async def main() -> None:
        async with open_tickets(stage) as (tickets, _, leases):
            (old,) = await take(tickets, 1)
            stage.run(remove_limit(stage.broker, "default"))
            await tickets.refresh()
            assert tickets.room(SLOTS) == SLOTS
            assert tickets.take() is None
            assert not leases.holds(old)
            stage.run(set_limit(stage.broker, "default", 1))
            await tickets.refresh()
            tickets.put(old)
            assert tickets.room(SLOTS) == 0
            tickets.forget()
            assert await take(tickets, 1) != [old]

    asyncio.run(main())


def test_a_ticket_whose_lease_had_a_gap_is_forgotten(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No job here uses it, and it is not given back either: that would take it from who has it now."""
    stage.run(set_limit(stage.broker, "default", 2))

    async def main() -> None:
        async with open_tickets(stage) as (tickets, link, _):
            await tickets.ask(2)
            await eventually_async(lambda: tickets.room(SLOTS) == 2, 10)
            used = tickets.take()
            assert used is not None
            monkeypatch.setattr(lease, "ACK_WAIT_S", 0.0)
            tickets.put(used)
            assert tickets.room(SLOTS) == 0
            assert tickets.take() is None
            await tickets.release()
            assert not await is_free(stage, link)

    asyncio.run(main())


def test_an_idle_ticket_is_given_back(stage: Stage) -> None:
    """At once, for others."""
    stage.run(set_limit(stage.broker, "default", 1))

    async def main() -> None:
        async with open_tickets(stage) as (tickets, link, _):
            (ticket,) = await take(tickets, 1)
            await tickets.release()
            assert not await is_free(stage, link)
            tickets.put(ticket)
            await tickets.release()
            assert await is_free(stage, link)

    asyncio.run(main())


def test_a_ticket_that_comes_again_is_the_same(stage: Stage) -> None:
    """While a job runs on it, it is no second one; its new delivery is the one that counts."""
    stage.run(set_limit(stage.broker, "default", 1))

    async def main() -> None:
        async with open_tickets(stage) as (tickets, link, _):
            (ticket,) = await take(tickets, 1)
            before = ticket.settle
            await tickets.ask(1)
            await link.publish(before, GIVE_BACK)
            await eventually_async(lambda: ticket.settle != before, 10)
            assert tickets.room(SLOTS) == 0
            tickets.put(ticket)
            assert tickets.room(SLOTS) == 1

    asyncio.run(main())


def test_nothing_is_given_back_later(fresh_server: NatsServer) -> None:
    """Without a connection an idle ticket is left to its lease."""
    stage = Stage(fresh_server.endpoint, "tq")
    stage.open("default")
    stage.run(set_limit(stage.broker, "default", 1))

    async def main() -> None:
        async with open_tickets(stage) as (tickets, link, _):
            (ticket,) = await take(tickets, 1)
            tickets.put(ticket)
            fresh_server.kill()
            await eventually_async(lambda: not link.connected, 10)
            await tickets.release()
            assert tickets.room(SLOTS) == 0
            fresh_server.start()
            await eventually_async(lambda: link.connected, 10)
            assert not await is_free(stage, link)

    asyncio.run(main())
    stage.close()
