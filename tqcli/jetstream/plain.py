"""A link for commands that live for milliseconds: one socket, no event loop, no thread.

Nothing is read while nobody waits. Whoever waits, for a reply or for a subscription's next message, takes in everything
that comes and hands it to whom it belongs. So no coroutine over a plain link ever suspends, and `drive` runs it.
"""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from tqcli.errors import TqError, Unknown
from tqcli.jetstream.address import parse_address
from tqcli.jetstream.admission import CONNECT_TIMEOUT_S, unanswered
from tqcli.jetstream.auth import make_inbox
from tqcli.jetstream.channel import Interrupted
from tqcli.jetstream.link import REQUEST_TIMEOUT_S, Message, ServerInfo
from tqcli.jetstream.routing import Router
from tqcli.jetstream.steady import SteadyConnection
from tqcli.jetstream.wire import Delivery, Err, Event, encode_publish, encode_subscribe, encode_unsubscribe

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Mapping

    from tqcli.core.endpoint import Endpoint

__all__ = ["Interrupted", "PlainLink", "connect_plain", "drive"]

T = TypeVar("T")

_CLOSE_TIMEOUT_S = 2.0


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine over a plain link to its end and return its result.

    Raises:
        RuntimeError: it suspended, so it waits for something that is not the link.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    msg = "a coroutine over a plain link suspended"
    raise RuntimeError(msg)


def connect_plain(endpoint: Endpoint, *, timeout_s: float = CONNECT_TIMEOUT_S) -> PlainLink:
    """Return a link to the first of the endpoint's servers that takes us.

    Raises:
        Unavailable: none can be reached, or it is too old or has no JetStream.
        Forbidden: it refuses the credentials.
        SettingsError: a URL, a credentials file or TLS is wrong.
    """
    link = PlainLink(endpoint)
    link.open(time.monotonic() + timeout_s)
    return link


class PlainRequest:
    """A request under way. Awaiting it waits; awaiting it again after `Interrupted` goes on waiting."""

    __slots__ = ("_link", "_many", "_replies", "deadline", "error", "over", "reply", "subject")

    def __init__(self, link: PlainLink, subject: str, *, many: bool = False) -> None:
        """See `PlainLink.post`."""
        self._link = link
        self._many = many
        self._replies: list[Message] = []
        self.subject = subject
        self.reply = ""
        self.deadline = 0.0
        self.over = False
        self.error: TqError | None = None

    def __await__(self) -> Generator[Any, None, Message]:
        """Wait for the reply."""
        return self._first().__await__()

    async def _first(self) -> Message:
        return (await self.all())[0]

    async def all(self) -> list[Message]:
        """Wait for the replies."""
        if not self.over:
            self._link.settle(self)
        if self.error is not None:
            raise self.error
        return self._replies

    def take(self, message: Message) -> bool:
        """Take a reply; return whether it was the last."""
        self._replies.append(message)
        self.over = not self._many or message.status is not None
        return self.over

    def fail(self, error: TqError) -> None:
        """End without a reply."""
        self.over = True
        self.error = error


class PlainSubscription:
    """Messages of a subject, in the order they arrive."""

    def __init__(self, link: PlainLink, subject: str) -> None:
        """See `PlainLink.subscribe`."""
        self._link = link
        self._messages: deque[Message] = deque()
        self.subject = subject
        self.sid = 0
        self.error: TqError | None = None

    async def next(self, timeout_s: float | None) -> Message | None:
        """Return the next message, or None after `timeout_s` seconds (None: wait for ever).

        Raises:
            Unavailable: the connection is lost and did not come back within the link's patience.
            Interrupted: a signal came in; no message is lost by it.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._messages:
            if self.error is not None:
                raise self.error
            if not self._link.turn(deadline) and deadline is not None and time.monotonic() >= deadline:
                return None
        return self._messages.popleft()

    async def close(self) -> None:
        """Ask for no more."""
        self._link.unsubscribe(self)

    def take(self, message: Message) -> bool:
        """Take a message; there is no last one."""
        self._messages.append(message)
        return False

    def fail(self, error: TqError) -> None:
        """Note that no more will come, and why."""
        self.error = error


class PlainLink:
    """A `Link` that blocks, for one thread.

    `publish` only queues: what is queued leaves with the next request or wait, with `close`, or at 32 KiB.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Prepare; `connect_plain` also connects."""
        addresses = [parse_address(url) for url in endpoint.servers]
        self._router = Router(make_inbox(endpoint, addresses[0], os.urandom(12)))
        self._connection = SteadyConnection(endpoint, addresses, self)
        self._published = False  # something whose arrival nothing has confirmed

    def open(self, deadline: float) -> None:
        """Connect: see `connect_plain`."""
        self._connection.open(deadline)

    @property
    def patience_s(self) -> float | None:
        """How long an operation tries to get a lost connection back; None is for ever."""
        return self._connection.patience_s

    @patience_s.setter
    def patience_s(self, patience_s: float | None) -> None:
        self._connection.patience_s = patience_s

    @property
    def on_event(self) -> Callable[[str], None] | None:
        """What gets a line for the user when the connection is lost, and when it is back."""
        return self._connection.on_event

    @on_event.setter
    def on_event(self, on_event: Callable[[str], None] | None) -> None:
        self._connection.on_event = on_event

    def locate_by(self, locate: Callable[[], Endpoint], *, gone_s: float) -> None:
        """Ask `locate` for the endpoint before each try to get a lost connection back.

        Where it raises `Gone` so many seconds after the loss, that is the end, whatever our patience.
        """
        self._connection.locate = locate
        self._connection.gone_s = gone_s

    def interrupt_on(self, fd: int) -> None:
        """Make every wait end with `Interrupted` when `fd` is readable: see `signal.set_wakeup_fd`."""
        self._connection.waiter.interrupt_on(fd)

    @property
    def server(self) -> ServerInfo:
        """The server at the other end, or the last one."""
        server = self._connection.server
        assert server is not None, "use connect_plain"  # noqa: S101
        return server

    async def publish(
        self, subject: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None, reply: str | None = None
    ) -> None:
        """Send and forget."""
        data = encode_publish(subject, body, reply=reply, headers=headers, max_payload=self.server.max_payload)
        self._connection.look()
        self._connection.ensure()
        self._published = True
        self._connection.write(data, at_once=False)

    def post(
        self,
        subject: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> PlainRequest:
        """Send a request now; await the result for its one reply. See `Link.post`."""
        return self._send(PlainRequest(self, subject), body, headers, timeout_s)

    async def request_many(self, subject: str, body: bytes, *, timeout_s: float = REQUEST_TIMEOUT_S) -> list[Message]:
        """Return all replies up to the one with a status, that one included. See `Link.request_many`."""
        return await self._send(PlainRequest(self, subject, many=True), body, None, timeout_s).all()

    async def subscribe(self, subject: str) -> PlainSubscription:
        """Return a subscription that is in force at the server when this returns."""
        self._connection.look()
        self._connection.ensure()
        subscription = PlainSubscription(self, subject)
        subscription.sid = self._router.add_subscription(subscription)
        try:
            self._connection.write(encode_subscribe(subject, subscription.sid), at_once=False)
            if not self._connection.confirm(time.monotonic() + REQUEST_TIMEOUT_S):
                self._connection.ensure()  # connecting again subscribes to it
        except BaseException:
            self.unsubscribe(subscription)
            raise
        if subscription.error is not None:
            self.unsubscribe(subscription)
            raise subscription.error
        return subscription

    async def sleep(self, seconds: float) -> None:
        """Pause, taking in what comes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._connection.pause(deadline)

    async def flush(self) -> None:
        """Return when the server has taken in all that was published. See `Link.flush`."""
        if not self._connection.confirm(time.monotonic() + REQUEST_TIMEOUT_S):
            msg = f"the connection to {self.server.url} was lost"
            raise Unknown(msg)
        self._published = False

    async def close(self) -> None:
        """Flush what was published and leave."""
        try:
            if self._published:
                self._connection.confirm(time.monotonic() + _CLOSE_TIMEOUT_S)
        except Unknown:
            pass  # nothing durable depends on a publish
        finally:
            self._connection.close()
            self._router.fail_requests("the link was closed")

    def new_inbox(self) -> str:
        """Return a subject for replies, with room for one more token, that nobody else uses."""
        return self._router.make_inbox()

    # What a request and a subscription ask of their link

    def settle(self, request: PlainRequest) -> None:
        """Wait until a request is over."""
        while not request.over:
            # The clock is asked after a look at the socket: the reply may have been there for long.
            if not self._connection.turn(request.deadline) and time.monotonic() >= request.deadline:
                self._router.drop_request(request.reply)
                request.fail(unanswered(request.subject, f"{self.server.url} did not answer in time"))

    def turn(self, deadline: float | None) -> bool:
        """Wait once; return whether anything came."""
        return self._connection.turn(deadline)

    def unsubscribe(self, subscription: PlainSubscription) -> None:
        """Ask for no more."""
        if self._router.drop_subscription(subscription.sid):
            self._connection.write(encode_unsubscribe(subscription.sid), at_once=False)

    # What the connection asks of its owner

    def take(self, event: Event) -> None:
        """Hand an event to whom it belongs."""
        if isinstance(event, Delivery):
            self._router.deliver(event.sid, event.message)
        elif isinstance(event, Err):
            news = self._router.complain(event.text, self.server.url)
            if news is not None:
                self._connection.say(news)

    def lose(self, why: str) -> None:
        """Fail what is under way."""
        self._router.fail_requests(why)

    def subscriptions(self) -> bytes:
        """Return the SUBs for a new connection."""
        return self._router.encode_inbox() + self._router.encode_subscriptions()

    def _send(
        self, request: PlainRequest, body: bytes, headers: Mapping[str, str] | None, timeout_s: float
    ) -> PlainRequest:
        try:
            self._connection.look()
            self._connection.ensure()
            reply = request.reply = self._router.add_request(request)
            data = encode_publish(
                request.subject, body, reply=reply, headers=headers, max_payload=self.server.max_payload
            )
        except TqError as error:
            self._router.drop_request(request.reply)
            request.fail(error)
            return request
        request.deadline = time.monotonic() + timeout_s
        self._connection.write(data, at_once=True)
        return request
