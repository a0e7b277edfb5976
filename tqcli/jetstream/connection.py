"""A link for agents, which live for months: nats-py on asyncio, one session after the other, for ever.

Requests do not use nats-py's: one inbox subscription, one dictionary of futures, no task for each.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tqcli.errors import TqError, Unavailable, Unknown
from tqcli.jetstream.address import parse_address
from tqcli.jetstream.admission import CONNECT_TIMEOUT_S, combine, unanswered, unreachable
from tqcli.jetstream.arrivals import CallbackSubscription, QueueSubscription, Request
from tqcli.jetstream.auth import make_inbox
from tqcli.jetstream.link import REQUEST_TIMEOUT_S, Message, ServerInfo
from tqcli.jetstream.routing import Router
from tqcli.jetstream.session import Handlers, Session, open_session
from tqcli.jetstream.wire import encode_publish, encode_subscribe, encode_unsubscribe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tqcli.core.endpoint import Endpoint

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_CLOSE_TIMEOUT_S = 2.0


def spread(pause_s: float, draw: float) -> float:
    """Return a pause of half its length to all of it, so that the agents of a fleet do not all come back at once.

    >>> spread(2.0, 0.5)
    1.5
    """
    return pause_s * (1 + draw) / 2


async def connect(endpoint: Endpoint, *, name: str = "tq", on_event: Callable[[str], None] | None = None) -> Connection:
    """Return a connection to the first of the endpoint's servers that takes us.

    Raises:
        Unavailable: none can be reached, or it is too old or has no JetStream.
        Forbidden: it refuses the credentials.
        SettingsError: a URL, a credentials file or TLS is wrong.
    """
    connection = Connection(endpoint, name=name, on_event=on_event)
    await connection.open()
    return connection


class Connection:
    """A `Link` on asyncio that comes back for ever: `connected` tells whether it is there just now.

    What is asked while it is not there waits for it: a request up to its own limit, and then it was never sent.
    """

    def __init__(self, endpoint: Endpoint, *, name: str, on_event: Callable[[str], None] | None) -> None:
        """Prepare; `connect` also connects."""
        self.loop = asyncio.get_running_loop()
        self._endpoint = endpoint
        self._addresses = [parse_address(url) for url in endpoint.servers]
        self._name = name
        self._on_event = on_event
        self._locate: Callable[[], Endpoint | None] | None = None
        self._router = Router(make_inbox(endpoint, self._addresses[0], os.urandom(12)))
        self._handlers = Handlers(self._router.deliver, self._complain, self._lose)
        self._session: Session | None = None
        self._server: ServerInfo | None = None
        self._up = asyncio.Event()
        self._waiting: dict[str, tuple[Request, bytes]] = {}
        self._reconnecting: asyncio.Task[None] | None = None
        self._closed = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def connected(self) -> bool:
        """Whether there is a connection just now."""
        return self._session is not None

    @property
    def brings_late(self) -> bool:
        """Whether what arrives now may have been under way for nearly as long as a lease. See `Session.brings_late`."""
        return self._session is not None and self._session.brings_late

    @property
    def server(self) -> ServerInfo:
        """The server at the other end, or the last one."""
        assert self._server is not None, "use connect"  # noqa: S101
        return self._server

    async def publish(
        self, subject: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None, reply: str | None = None
    ) -> None:
        """Send and forget."""
        data = encode_publish(subject, body, reply=reply, headers=headers, max_payload=self.server.max_payload)
        session = self._session or await self._wait_for_session()
        session.send(data)
        if session.is_full:
            await session.drain_unsent()

    def post(
        self,
        subject: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> asyncio.Future[Message]:
        """Send a request now; await the result for its one reply. See `Link.post`."""
        return self._request(subject, body, headers, timeout_s, None)

    async def request_many(self, subject: str, body: bytes, *, timeout_s: float = REQUEST_TIMEOUT_S) -> list[Message]:
        """Return all replies up to the one with a status, that one included. See `Link.request_many`."""
        replies: list[Message] = []
        await self._request(subject, body, None, timeout_s, replies)
        return replies

    async def subscribe(self, subject: str) -> QueueSubscription:
        """Return a subscription that is in force at the server when this returns."""
        subscription = QueueSubscription(subject, self._leave)
        await self._subscribe(subscription)
        return subscription

    async def subscribe_callback(self, subject: str, callback: Callable[[Message], None]) -> CallbackSubscription:
        """Call `callback` with each message as it arrives. It must be quick and must not raise.

        Like every subscription it outlives the loss of the connection; what was sent meanwhile is missed.
        """
        subscription = CallbackSubscription(subject, callback, self._leave)
        await self._subscribe(subscription)
        return subscription

    async def sleep(self, seconds: float) -> None:
        """Pause."""
        await asyncio.sleep(seconds)

    async def flush(self) -> None:
        """Return when the server has taken in all that was published. See `Link.flush`."""
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                await (await self._wait_for_session()).round_trip()
        except (TimeoutError, ConnectionError) as error:
            msg = f"{self.server.url} did not say that it took in what was published"
            raise Unknown(msg) from error

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """Call `callback` each time the connection is back, after everything was subscribed again."""
        self._callbacks.append(callback)

    def locate_by(self, locate: Callable[[], Endpoint | None]) -> None:
        """Ask `locate` for the way to the server each time that the connection was lost; None: as before."""
        self._locate = locate

    def new_inbox(self) -> str:
        """Return a subject for replies, with room for one more token, that nobody else uses."""
        return self._router.make_inbox()

    async def close(self) -> None:
        """Flush what was published and leave."""
        self._closed = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
            await asyncio.wait({self._reconnecting})
        session, self._session = self._session, None
        if session is not None:
            try:
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await session.round_trip()
            except (TimeoutError, ConnectionError):
                pass  # nothing durable depends on a publish
            finally:
                session.abort("closed")
        self._up.set()  # whoever waits for it learns that it will not come
        self._router.fail_requests("the connection was closed")
        self._router.fail_subscriptions(Unavailable("the connection was closed"))

    async def open(self) -> None:
        """Connect: see `connect`."""
        failures: list[TqError] = []
        deadline = self.loop.time() + CONNECT_TIMEOUT_S
        inbox = self._router.encode_inbox()
        for number, address in enumerate(self._addresses):
            share = max(0.0, deadline - self.loop.time()) / (len(self._addresses) - number)
            session = Session(self._endpoint, address, self._handlers, name=self._name)
            try:
                await open_session(session, inbox, share)
            except TqError as error:
                failures.append(error)
                continue
            if session.lost:  # between the server's last word and this line
                failures.append(unreachable(address.url, "the connection was lost at once"))
                continue
            self._adopt(session)
            return
        raise combine(failures)

    def _adopt(self, session: Session) -> None:
        """Use this session from now on: subscriptions first, then the requests that waited for it."""
        self._session = session
        self._server = session.admitted
        session.send(self._router.encode_subscriptions())
        for request, data in self._waiting.values():
            if not request.future.done():
                request.sent = True
                session.send(data)
        self._waiting.clear()
        self._up.set()

    async def _reconnect(self) -> None:
        """Connect again, however long it takes (H21, H22, H23)."""
        pause_s, said = _FIRST_PAUSE_S, ""
        while True:
            try:
                self._look_again()
                await self.open()
            except Exception as error:  # noqa: BLE001 - an agent that stopped trying would be lost for good
                text = error.message if isinstance(error, TqError) else repr(error)
                if text != said:
                    self._say(f"{text}; trying again")
                said = text
            else:
                break
            await asyncio.sleep(spread(pause_s, random.random()))  # noqa: S311  (no secret)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        self._say(f"connected to {self.server.url} again")
        for callback in self._callbacks:
            self._guard(callback)

    def _look_again(self) -> None:
        endpoint = None if self._locate is None else self._locate()
        if endpoint is not None:
            self._endpoint = endpoint
            self._addresses = [parse_address(url) for url in endpoint.servers]

    async def _wait_for_session(self) -> Session:
        """Return the session as soon as there is one.

        Raises:
            Unavailable: there was none for the length of a request.
        """
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                while self._session is None and not self._closed:
                    await self._up.wait()
        except TimeoutError as error:
            raise self._not_connected() from error
        if self._session is None:
            raise self._not_connected()
        return self._session

    async def _subscribe(self, subscription: CallbackSubscription) -> None:
        sid = subscription.sid = self._router.add_subscription(subscription)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                await self._confirm(encode_subscribe(subscription.subject, sid))
        except TimeoutError as error:
            self._unsubscribe(subscription)
            raise self._not_connected() from error
        except BaseException:
            self._unsubscribe(subscription)
            raise
        if subscription.error is not None:
            self._unsubscribe(subscription)
            raise subscription.error

    async def _confirm(self, data: bytes) -> None:
        """Send `data` and wait until a server has taken it in, this one or the next."""
        while True:
            session = await self._wait_for_session()
            session.send(data)
            with suppress(ConnectionError):
                await session.round_trip()
                return

    async def _leave(self, subscription: CallbackSubscription) -> None:
        """Unsubscribe, and take what the server sent before it took that in."""
        if self._session is not None:
            self._session.send(encode_unsubscribe(subscription.sid))
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await self._session.round_trip()
        self._unsubscribe(subscription)  # for a session that came meanwhile; to any other it says nothing new

    def _unsubscribe(self, subscription: CallbackSubscription) -> None:
        if self._router.drop_subscription(subscription.sid) and self._session is not None:
            self._session.send(encode_unsubscribe(subscription.sid))

    def _request(
        self,
        subject: str,
        body: bytes,
        headers: Mapping[str, str] | None,
        timeout_s: float,
        replies: list[Message] | None,
    ) -> asyncio.Future[Any]:
        loop, router = self.loop, self._router
        future: asyncio.Future[Any] = loop.create_future()
        request = Request(subject, future, replies)
        reply = router.add_request(request)
        try:
            if self._closed:
                raise self._not_connected()
            data = encode_publish(subject, body, reply=reply, headers=headers, max_payload=self.server.max_payload)
        except TqError as error:
            router.drop_request(reply)
            future.set_exception(error)
            return future
        request.timer = loop.call_later(timeout_s, self._expire, reply, request)
        if self._session is not None:
            request.sent = True
            self._session.send(data)
        else:
            self._waiting[reply] = request, data
        return future

    def _expire(self, reply: str, request: Request) -> None:
        self._router.drop_request(reply)
        self._waiting.pop(reply, None)
        if request.sent:
            request.fail(unanswered(request.subject, f"{self.server.url} did not answer in time"))
        else:
            request.fail(self._not_connected())

    def _not_connected(self) -> Unavailable:
        if self._closed:
            return Unavailable("the connection is closed")
        urls = ", ".join(address.url for address in self._addresses)
        return Unavailable(f"no connection to {urls}", hint="it was not sent; the connection comes back by itself")

    # What a session calls

    def _complain(self, text: str) -> None:
        news = self._router.complain(text, self.server.url) if self._server is not None else None
        if news is not None:
            self._say(news)

    def _lose(self, session: Session, why: str) -> None:
        if session is not self._session:
            return
        self._session = None
        self._up.clear()
        self._router.fail_requests(f"the connection to {self.server.url} was lost ({why})")
        self._say(f"connection to {self.server.url} lost ({why}); reconnecting")
        if not self._closed:
            self._reconnecting = self.loop.create_task(self._reconnect())

    def _say(self, text: str) -> None:
        if self._on_event is not None:
            say = self._on_event
            self._guard(lambda: say(text))

    def _guard(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - H22
            self.loop.call_exception_handler({"message": "in a callback of the connection", "exception": error})
