"""What only the asyncio connection does: it comes back for ever, whatever ended it."""

from __future__ import annotations

import asyncio
import gc
import secrets
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.support.credentials import USER, make_key
from tests.support.eventually import eventually_async
from tests.support.server import NatsServer
from tqcli.core.endpoint import Endpoint
from tqcli.errors import Unavailable, Unknown
from tqcli.jetstream.connection import Connection, connect
from tqcli.jetstream.dial import USER_TIMEOUT_MS
from tqcli.jetstream.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from tqcli.jetstream.link import Message


@asynccontextmanager
async def connected(endpoint: Endpoint, on_event: Callable[[str], None] | None = None) -> AsyncIterator[Connection]:
    """Yield a connection that is closed at the end."""
    connection = await connect(endpoint, name="test", on_event=on_event)
    try:
        yield connection
    finally:
        await connection.close()


async def ask(connection: Connection) -> bytes:
    """Return the server's answer to a request."""
    return (await connection.post("$JS.API.INFO", timeout_s=10.0)).body


def session_of(connection: Connection) -> Session:
    """Return what the connection stands on just now."""
    session = connection._session  # noqa: SLF001
    assert session is not None
    return session


async def restart(connection: Connection, server: NatsServer) -> None:
    """Restart the server and return when the connection is another one."""
    before = session_of(connection)
    server.restart()
    await eventually_async(lambda: connection.connected and session_of(connection) is not before, 10.0)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run it; no task and no socket may be left."""
    asyncio.run(scenario)


def test_server_that_moved_is_found_where_it_is_now(fresh_server: NatsServer) -> None:
    """With the password that it has there; a subscription goes along."""

    async def scenario() -> None:
        got: list[bytes] = []
        with NatsServer(user="tq", password=secrets.token_hex(8)) as other:
            known: list[Endpoint | None] = [None]
            async with connected(fresh_server.endpoint) as connection:
                connection.locate_by(lambda: known[0])
                await connection.subscribe_callback("news", lambda message: got.append(message.body))
                fresh_server.stop()
                await eventually_async(lambda: not connection.connected, 10.0)
                known[0] = other.endpoint
                await eventually_async(lambda: connection.connected, 10.0)
                assert connection.server.url == other.url
                await connection.publish("news", b"moved")
                await eventually_async(lambda: got == [b"moved"], 5.0)

    run(scenario())


def test_callback_gets_messages_as_they_arrive(nats_server: NatsServer, unique: str) -> None:
    """A callback subscription delivers in order, and stops when closed."""

    async def scenario() -> None:
        got: list[bytes] = []
        async with connected(nats_server.endpoint) as connection:
            subscription = await connection.subscribe_callback(unique, lambda message: got.append(message.body))
            for number in range(1000):
                await connection.publish(unique, b"%d" % number)
            await eventually_async(lambda: len(got) == 1000, 5.0)
            await subscription.close()
            await connection.publish(unique, b"too late")
            await ask(connection)
        assert got == [b"%d" % number for number in range(1000)]

    run(scenario())


def test_a_session_lost_at_once_is_a_failed_try(nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Used all the same it would be "connected" and deaf for ever: nobody tells of its end again."""
    opened: list[Session] = []
    original = Session.open

    async def open_and_lose(session: Session, subscribe: bytes) -> None:
        await original(session, subscribe)
        opened.append(session)
        if len(opened) == 1:
            session.abort("reset by peer")

    monkeypatch.setattr(Session, "open", open_and_lose)

    async def scenario() -> None:
        with pytest.raises(Unavailable, match="lost at once"):
            await connect(nats_server.endpoint)
        opened.clear()
        url = nats_server.url
        async with connected(msgspec.structs.replace(nats_server.endpoint, servers=(url, url))) as connection:
            assert session_of(connection) is opened[1]
            assert await ask(connection)

    run(scenario())


def test_error_in_a_callback_makes_nobody_deaf(nats_server: NatsServer, unique: str) -> None:
    """A callback that raises is reported to the loop, and everything goes on (H22)."""
    reported: list[dict[str, Any]] = []

    def stumble(message: Message) -> None:
        raise ValueError(message.subject)

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        async with connected(nats_server.endpoint) as connection:
            await connection.subscribe_callback(unique, stumble)
            subscription = await connection.subscribe(unique)
            await connection.publish(unique)
            assert await subscription.next(5.0) is not None
            assert await ask(connection)

    run(scenario())
    assert [type(context["exception"]) for context in reported] == [ValueError]


def test_error_of_the_listeners_does_not_end_reconnecting(fresh_server: NatsServer) -> None:
    """`on_event` and `on_reconnect` may raise; the connection comes back all the same (H22)."""
    seen: list[str] = []

    def stumble(text: str = "back") -> None:
        seen.append(text)
        raise ValueError(text)

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        async with connected(fresh_server.endpoint, stumble) as connection:
            connection.on_reconnect(stumble)
            for _ in range(2):
                await restart(connection, fresh_server)
                assert await ask(connection)

    run(scenario())
    assert seen.count("back") == 2


def test_subscriptions_are_in_force_when_reconnect_is_told(fresh_server: NatsServer) -> None:
    """Whoever is told of the new connection can publish to the old subscriptions."""

    async def scenario() -> None:
        back = asyncio.Event()
        async with connected(fresh_server.endpoint) as connection:
            connection.on_reconnect(back.set)
            first = await connection.subscribe("a")
            second = await connection.subscribe("b")
            await second.close()
            fresh_server.restart()
            async with asyncio.timeout(10.0):
                await back.wait()
            await connection.publish("b")
            await connection.publish("a")
            assert await first.next(5.0) is not None
            assert await second.next(0.05) is None

    run(scenario())


def test_request_waits_for_the_connection(fresh_server: NatsServer) -> None:
    """What is asked while the server is away is sent when it is back, and answered."""

    async def scenario() -> None:
        async with connected(fresh_server.endpoint) as connection:
            fresh_server.stop()
            await eventually_async(lambda: not connection.connected, 10.0)
            answer = asyncio.ensure_future(ask(connection))
            published = asyncio.create_task(connection.publish("a"))
            subscription = asyncio.create_task(connection.subscribe("a"))
            await asyncio.get_running_loop().run_in_executor(None, fresh_server.start)
            assert await answer
            await published
            await connection.publish("a", b"once")
            got = await subscription
            messages = [await got.next(0.2) for _ in range(3)]
            assert [message.body for message in messages if message is not None] in ([b"", b"once"], [b"once"])

    run(scenario())


def test_unsent_request_is_unavailable_not_unknown(fresh_server: NatsServer) -> None:
    """A request whose time ran out before there was a connection did not happen."""

    async def scenario() -> None:
        async with connected(fresh_server.endpoint) as connection:
            fresh_server.stop()
            await eventually_async(lambda: not connection.connected, 10.0)
            with pytest.raises(Unavailable, match=fresh_server.url):
                await connection.post("$JS.API.INFO", timeout_s=0.1)
            fresh_server.start()
            assert await ask(connection)

    run(scenario())


def test_violation_that_ends_the_connection_is_survived(fresh_server: NatsServer) -> None:
    """After an error with which the server closes the connection, another is made (H5, H21)."""
    events: list[str] = []

    async def scenario() -> None:
        async with connected(fresh_server.endpoint, events.append) as connection:
            session = session_of(connection)
            session.send(b"PUB a 2000000\r\n" + b"x" * 2_000_000 + b"\r\n")
            await eventually_async(lambda: connection.connected and session_of(connection) is not session, 10.0)
            assert await ask(connection)

    run(scenario())
    assert any("maximum payload" in event.lower() for event in events)


def test_renewed_credentials_are_read_again(tmp_path: Path) -> None:
    """When the server no longer takes the old nkey, the connection comes back with what the file holds then (H21)."""
    (_, old, old_seed), (_, new, new_seed) = make_key(USER), make_key(USER)
    path = tmp_path / "user.nk"
    path.write_text(old_seed)
    config = "authorization {{ users = [ {{ nkey: {} }} ] }}"
    events: list[str] = []

    async def scenario(server: NatsServer) -> None:
        async with connected(Endpoint(servers=(server.url,), nkey=str(path)), events.append) as connection:
            server.reload(config.format(new))
            await eventually_async(lambda: any("refuses these credentials" in event for event in events), 10.0)
            path.write_text(new_seed)
            assert await ask(connection)

    with NatsServer(config=config.format(old)) as server:
        run(scenario(server))


def test_forged_messages_to_the_inbox_harm_nobody(nats_server: NatsServer) -> None:
    """Whoever guesses an inbox can't make its owner deaf (H25)."""

    async def scenario() -> None:
        async with connected(nats_server.endpoint) as victim, connected(nats_server.endpoint) as forger:
            inbox = victim.new_inbox().rpartition(".i.")[0]
            session = session_of(forger)
            for reply in ("a.b", "$JS.FC.x", "$JS.ACK.a.b.c"):
                await forger.publish(f"{inbox}.999999", b"", reply=reply)
                await forger.publish(
                    f"{inbox}.i.x", b"{}", reply=reply, headers={"Status": "100", "Nats-Last-Stream": "x"}
                )
            for head in (
                b"NATS/1.0 100 Idle Heartbeat\r\n\r\n",
                b"NATS/1.0 9z9\r\n\r\n",
                b"NATS/1.0\r\n\xff: \xff\r\n\r\n",
            ):
                session.send(b"HPUB %b.2 %d %d\r\n%b\r\n" % (inbox.encode(), len(head), len(head), head))
            await ask(forger)
            assert await ask(victim)
            assert victim.connected

    run(scenario())


def test_waiting_subscriber_learns_that_the_connection_was_closed(nats_server: NatsServer, unique: str) -> None:
    """Closing wakes those who wait for a message or an answer."""

    async def scenario() -> None:
        async with connected(nats_server.endpoint) as connection:
            subscription = await connection.subscribe(unique)
            waiting = asyncio.create_task(subscription.next(None))
            request = connection.post(unique, timeout_s=30.0)
            await ask(connection)
        assert await waiting is not None  # the request
        with pytest.raises(Unavailable, match="closed"):
            await subscription.next(None)
        with pytest.raises(Unknown, match="closed"):
            await request
        for late in (connection.post(unique), connection.publish(unique), connection.subscribe(unique)):
            with pytest.raises(Unavailable, match="closed"):
                await late

    run(scenario())


def test_given_up_requests_are_forgotten(fresh_server: NatsServer, unique: str) -> None:
    """Neither a timeout nor a cancelled wait leaves anything behind."""

    async def scenario() -> None:
        async with connected(fresh_server.endpoint) as connection:
            await connection.subscribe(unique)
            for _ in range(50):
                connection.post(unique, timeout_s=0.05).cancel()
            await eventually_async(lambda: not connection._router._requests, 5.0)  # noqa: SLF001
            fresh_server.stop()
            await eventually_async(lambda: not connection.connected, 10.0)
            for _ in range(50):
                connection.post(unique, timeout_s=0.05).cancel()
            assert connection._waiting  # noqa: SLF001
            await eventually_async(lambda: not connection._waiting, 5.0)  # noqa: SLF001

    run(scenario())


def test_given_up_subscription_makes_nobody_deaf(nats_server: NatsServer, unique: str) -> None:
    """An answer of the server for one who no longer waits for it is let go."""

    async def scenario() -> None:
        async with connected(nats_server.endpoint) as connection:
            before = session_of(connection)
            given_up = asyncio.create_task(connection.subscribe(unique))
            await asyncio.sleep(0)  # let it ask
            assert before._pongs  # noqa: SLF001
            given_up.cancel()
            assert await ask(connection)
            assert session_of(connection) is before

    run(scenario())


def test_reconnecting_leaves_no_tasks(fresh_server: NatsServer) -> None:
    """After many lives of the connection there are as many tasks as after the first."""

    async def scenario() -> None:
        async with connected(fresh_server.endpoint) as connection:
            await ask(connection)
            before = len(asyncio.all_tasks())
            for _ in range(5):
                await restart(connection, fresh_server)
                await ask(connection)
            await eventually_async(lambda: len(asyncio.all_tasks()) <= before, 5.0)

    run(scenario())


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux only")
def test_kernel_gives_up_on_a_dead_peer_after_every_reconnect(fresh_server: NatsServer) -> None:
    """The socket's own limit for unacknowledged bytes is set on every socket (H20)."""

    def limit(connection: Connection) -> object:
        writer = session_of(connection)._writer  # noqa: SLF001
        return writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    async def scenario() -> None:
        async with connected(fresh_server.endpoint) as connection:
            assert limit(connection) == USER_TIMEOUT_MS
            await restart(connection, fresh_server)
            assert limit(connection) == USER_TIMEOUT_MS

    run(scenario())


def test_closing_without_connection_returns(fresh_server: NatsServer) -> None:
    """An agent can leave while the server is away."""

    async def scenario() -> None:
        async with asyncio.timeout(5.0), connected(fresh_server.endpoint) as connection:
            fresh_server.stop()
            await eventually_async(lambda: not connection.connected, 10.0)

    run(scenario())


def test_closing_a_frozen_connection_returns(fresh_server: NatsServer) -> None:
    """An agent can leave while the server answers nothing, with much unsent (H20)."""

    async def scenario() -> None:
        async with asyncio.timeout(10.0), connected(fresh_server.endpoint) as connection:
            fresh_server.freeze()
            session_of(connection).send(b"PUB a 900000\r\n" + secrets.token_bytes(900_000) + b"\r\n")

    run(scenario())


def test_a_ping_that_is_lost_with_its_connection_is_no_news(fresh_server: NatsServer) -> None:
    """Nobody waits for nats-py's own pings, so nothing is said when one of them gets no answer."""
    complaints: list[dict[str, Any]] = []

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with connected(fresh_server.endpoint) as connection:
            fresh_server.freeze()
            before = session_of(connection)
            await before._send_ping()  # noqa: SLF001 - what its clock does every few seconds
            fresh_server.kill()
            fresh_server.start()
            await eventually_async(lambda: connection.connected and session_of(connection) is not before, 10.0)
            gc.collect()

    run(scenario())
    assert complaints == []
