"""What only the plain link does: signals end its waits, patience ends, idling costs nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.links import meanwhile, publish_once, publish_until
from tests.support.server import NatsServer
from tqcli.errors import Unavailable, Unknown
from tqcli.jetstream.admission import Gone
from tqcli.jetstream.plain import Interrupted, PlainLink, connect_plain, drive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tqcli.core.endpoint import Endpoint


@contextmanager
def plain_link(endpoint: Endpoint) -> Iterator[PlainLink]:
    """Yield a link that is closed at the end."""
    link = connect_plain(endpoint)
    try:
        yield link
    finally:
        drive(link.close())


def test_server_that_moved_is_found(unique: str) -> None:
    """Its next one has another port and another password; subscriptions come along."""
    with NatsServer(token=unique) as old, NatsServer(token=unique[::-1]) as new, plain_link(old.endpoint) as link:
        link.patience_s = None
        link.locate_by(lambda: new.endpoint, gone_s=0)
        subscription = drive(link.subscribe(unique))
        old.kill()
        came = threading.Event()
        with meanwhile(lambda: publish_until(came, new.endpoint, unique)):
            assert drive(subscription.next(10.0)) is not None
            came.set()
        assert link.server.url == new.url


def test_server_that_is_gone_ends_all_patience(unique: str) -> None:
    """A while later: somebody may be starting the next one."""

    def locate() -> Endpoint:
        raise Gone(unique)

    with NatsServer() as server, plain_link(server.endpoint) as link:
        link.patience_s = None
        link.locate_by(locate, gone_s=0.3)
        subscription = drive(link.subscribe(unique))
        server.kill()
        before = time.monotonic()
        with pytest.raises(Gone, match=unique):
            drive(subscription.next(60.0))
        assert 0.3 <= time.monotonic() - before < 30


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Return the read and the write end of a pipe."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    yield ends
    for end in ends:
        os.close(end)


def test_signal_ends_a_wait_and_loses_nothing(nats_server: NatsServer, unique: str, pipe: tuple[int, int]) -> None:
    """A real signal ends the wait; the next wait gets what was published meanwhile."""
    read_end, write_end = pipe
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    wakeup_before = signal.set_wakeup_fd(write_end)
    try:
        with plain_link(nats_server.endpoint) as link:
            link.interrupt_on(read_end)
            subscription = drive(link.subscribe(unique))
            with meanwhile(lambda: os.kill(os.getpid(), signal.SIGUSR1)), pytest.raises(Interrupted):
                drive(subscription.next(10.0))
            publish_once(nats_server.endpoint, unique, b"still here")
            message = drive(subscription.next(10.0))
            assert message is not None
            assert message.body == b"still here"
    finally:
        signal.set_wakeup_fd(wakeup_before)
        signal.signal(signal.SIGUSR1, before)


def test_interrupted_request_can_be_awaited_again(nats_server: NatsServer, unique: str, pipe: tuple[int, int]) -> None:
    """A signal between a request and its reply does not cost the reply."""
    read_end, write_end = pipe

    async def scenario(link: PlainLink) -> bytes:
        subscription = await link.subscribe(unique)
        request = link.post(unique, timeout_s=10.0)
        os.write(write_end, b"!")
        with pytest.raises(Interrupted):
            await request
        asked = await subscription.next(5.0)
        assert asked is not None
        await link.publish(asked.reply or "", b"answer")
        return (await request).body

    with plain_link(nats_server.endpoint) as link:
        link.interrupt_on(read_end)
        assert drive(scenario(link)) == b"answer"


def test_signal_ends_a_pause(nats_server: NatsServer, pipe: tuple[int, int]) -> None:
    """Sleeping ends with a signal too."""
    read_end, write_end = pipe
    with plain_link(nats_server.endpoint) as link:
        link.interrupt_on(read_end)
        os.write(write_end, b"!")
        with pytest.raises(Interrupted):
            drive(link.sleep(30.0))


def test_signal_ends_reconnecting(fresh_server: NatsServer, pipe: tuple[int, int]) -> None:
    """While the server is away, a signal still ends the wait, and the link comes back after it."""
    read_end, write_end = pipe
    with plain_link(fresh_server.endpoint) as link:
        link.interrupt_on(read_end)
        subscription = drive(link.subscribe("news"))

        def interrupt(text: str) -> None:
            if "lost" in text:
                os.write(write_end, b"!")

        link.on_event = interrupt
        fresh_server.stop()
        with pytest.raises(Interrupted):
            drive(subscription.next(30.0))
        fresh_server.start()
        done = threading.Event()
        with meanwhile(lambda: publish_until(done, fresh_server.endpoint, "news")):
            assert drive(subscription.next(20.0)) is not None
            done.set()


def test_patience_ends_with_the_servers_names(fresh_server: NatsServer) -> None:
    """An operation gives up after the link's patience, each anew, and works once the server is back."""
    with plain_link(fresh_server.endpoint) as link:
        link.patience_s = 0.3
        subscription = drive(link.subscribe("news"))
        fresh_server.stop()
        for _ in range(2):
            start = time.monotonic()
            with pytest.raises(Unavailable, match=fresh_server.url):
                drive(subscription.next(None))
            assert 0.25 < time.monotonic() - start < 3.0
        fresh_server.start()
        assert drive(subscription.next(0.1)) is None


def test_short_waits_do_not_renew_patience(fresh_server: NatsServer) -> None:
    """Whoever waits in small steps learns of a server that stays away as well."""
    with plain_link(fresh_server.endpoint) as link:
        link.patience_s = 0.5
        subscription = drive(link.subscribe("news"))
        fresh_server.stop()

        def wait_in_steps() -> None:
            for _ in range(1000):
                assert drive(subscription.next(0.02)) is None

        with pytest.raises(Unavailable):
            wait_in_steps()


def test_loss_while_idle_is_not_seen(fresh_server: NatsServer) -> None:
    """A restart of the server between two requests costs neither of them."""

    async def ask(link: PlainLink) -> bytes:
        return (await link.post("$JS.API.INFO")).body

    events: list[str] = []
    with plain_link(fresh_server.endpoint) as link:
        link.on_event = events.append
        for _ in range(3):
            assert drive(ask(link))
            fresh_server.restart()
        assert drive(ask(link))
    assert len(events) == 6


def test_request_without_connection_fails_in_its_await(fresh_server: NatsServer) -> None:
    """Posting never raises: the error is the result's, and says that nothing was sent."""

    async def ask(link: PlainLink) -> None:
        request = link.post("$JS.API.INFO")
        with pytest.raises(Unavailable) as caught:
            await request
        assert not isinstance(caught.value, Unknown)

    with plain_link(fresh_server.endpoint) as link:
        link.patience_s = 0.0
        fresh_server.stop()
        drive(ask(link))


def test_closed_link_says_so(nats_server: NatsServer) -> None:
    """A closed link does not connect again by itself."""
    link = connect_plain(nats_server.endpoint)
    drive(link.close())
    with pytest.raises(Unavailable, match="closed"):
        drive(link.publish("a"))


def test_coroutine_that_suspends_is_refused() -> None:
    """`drive` is no event loop, and says so instead of hanging."""
    with pytest.raises(RuntimeError, match="suspended"):
        drive(asyncio.sleep(0.0))
