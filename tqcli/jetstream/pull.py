"""Pulling deliveries from a consumer with requests of our own.

nats-py's `fetch(n)` waits for a full batch (H44), so one waiting job would sit out its whole timeout. Here a job starts
as it arrives: deliveries go to a callback at once, and a request that the server forgot (restart, leader change: H24,
H45) is written off by the clock.

A server that was killed may have forgotten its last deliveries: it ignores what their holders say, and makes them again
as if they were the first. So what lay there when we came, or came back, is marked as far as that may be so.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tqcli.errors import NotFound
from tqcli.jetstream.link import NO_RESPONDERS
from tqcli.jetstream.subjects import HEADER_DUE, HEADER_RECHECK
from tqcli.jetstream.topology import consumer_info, stream_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from tqcli.jetstream.arrivals import CallbackSubscription
    from tqcli.jetstream.connection import Connection
    from tqcli.jetstream.link import Message

ACK = b"+ACK"
IN_PROGRESS = b"+WPI"
GIVE_BACK = b"-NAK"
GIVE_BACK_LATER = b'-NAK {"delay":1000000000}'
"""In a second, given in nanoseconds: whoever can't run a job must not get it back 2,600 times a second (H16)."""

TERMINATE = b"+TERM"
IDLE_HEARTBEAT = 100
NO_WAIT_LIMIT_S = 2.0
LATE_S = 1.0
FORGOTTEN_MOST = 2_000
"""Deliveries of a consumer that a killed server may have forgotten. It writes them down every 100 ms (2.15.1)."""

V1_TOKENS = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Delivery(msgspec.Struct, frozen=True):
    """A message in our hands until its lease ends. `count` is 1 for the first delivery; `settle` is its ack subject.

    `recheck`: the job may have begun or ended already. Its submitter was not sure that it had not submitted it before,
    or the delivery was under way for so long that its lease may have ended. `doubtful`: the server may have forgotten
    that it was delivered before. `stored_at` is the server's time when the message came into its stream, so it is at
    least as late as that, whatever this host's clock says. `due` is what `HEADER_DUE` says.
    """

    subject: str
    settle: str
    body: bytes
    count: int
    sequence: int
    recheck: bool
    stored_at: datetime = _EPOCH
    due: str | None = None
    doubtful: bool = False


class _Request(msgspec.Struct):
    """The pull request under way: what it was to bring, what it brought, and who waits for its end."""

    inbox: str
    wanted: int
    ended: asyncio.Future[int]
    timer: asyncio.TimerHandle
    brought: int = 0


class Puller:
    """Requests to one consumer, one at a time; each delivery goes to `on_delivery` as it arrives."""

    def __init__(
        self, link: Connection, stream: str, consumer: str, *, on_delivery: Callable[[Delivery], None]
    ) -> None:
        """Prepare; nothing is asked for before `open` and `ask`."""
        self._link = link
        self._stream, self._consumer = stream, consumer
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._on_delivery = on_delivery
        self._request: _Request | None = None
        self._subscription: CallbackSubscription | None = None
        self._count = 0
        self._inbox = link.new_inbox()
        self._doubtful_until = 0
        self._looked_at: str | None = None
        """The life of the server for which that is known; None where nobody wants to know."""
        self.gone = False
        """True once the server said that the consumer is not there."""

    async def open(self) -> None:
        """Listen for deliveries."""
        self._subscription = await self._link.subscribe_callback(f"{self._inbox}.*", self._receive)

    async def close(self) -> None:
        """Take what is on its way, and nothing after this: the server drops a request that nobody listens for."""
        if self._subscription is not None:
            await self._subscription.close()
        self.forget()

    async def settle_doubt(self) -> None:
        """Find out, before the first request to a server and after it was started again, which deliveries to doubt.

        Raises:
            TqError: the server does not say.
        """
        server = self._link.server.id
        if server == self._looked_at:
            return
        try:
            info = await consumer_info(self._link, self._stream, self._consumer)
        except NotFound:
            return  # the next request says so, too
        delivered: int = info["delivered"]["stream_seq"]
        last: int = (await stream_state(self._link, self._stream))["last_seq"] if info["num_pending"] else 0
        self._doubtful_until, self._looked_at = min(last, delivered + FORGOTTEN_MOST), server

    @property
    def asking(self) -> bool:
        """Whether a request is under way."""
        return self._request is not None

    async def ask(self, count: int, *, wait: timedelta | None) -> asyncio.Future[int]:
        """Ask for `count` deliveries: those that are there (`wait` None), or as they come during `wait`.

        The future has the number that came, once the request is over. A delivery does not say which request brought it
        (its subject is the job's), so there is one at a time.
        """
        loop = asyncio.get_running_loop()
        self._count += 1
        inbox = f"{self._inbox}.{self._count}"
        if wait is None:
            options: dict[str, object] = {"batch": count, "no_wait": True}
            limit_s = NO_WAIT_LIMIT_S
        else:
            options = {"batch": count, "expires": int(wait.total_seconds() * 1e9)}
            limit_s = wait.total_seconds() + LATE_S
        request = _Request(inbox, count, loop.create_future(), loop.call_later(limit_s, self.forget))
        self._request = request
        await self._link.publish(self._subject, msgspec.json.encode(options), reply=inbox)
        return request.ended

    def forget(self) -> None:
        """End the request under way: it is over, or the server has lost it."""
        request, self._request = self._request, None
        if request is not None:
            request.timer.cancel()
            if not request.ended.done():  # whoever waited may have been cancelled
                request.ended.set_result(request.brought)

    def _receive(self, message: Message) -> None:
        request = self._request
        if message.status is None:
            if request is not None:
                request.brought += 1
            self._on_delivery(self._read(message))
            if request is not None and request.brought >= request.wanted and request is self._request:
                self.forget()
        elif message.status != IDLE_HEARTBEAT and request is not None and request.inbox == message.subject:
            self.gone = message.status == NO_RESPONDERS or "Deleted" in message.description
            self.forget()

    def _read(self, message: Message) -> Delivery:
        delivery = _delivery(message, late=self._link.brings_late)
        known = self._looked_at in {None, self._link.server.id}
        if known and delivery.sequence > self._doubtful_until:
            return delivery
        return msgspec.structs.replace(delivery, doubtful=True)


def _delivery(message: Message, *, late: bool) -> Delivery:
    """Read the delivery's facts from its ack subject, in the form of today or the one announced (H31)."""
    settle = message.reply or ""
    tokens = settle.split(".")
    at = 4 if len(tokens) == V1_TOKENS else 6
    return Delivery(
        subject=message.subject,
        settle=settle,
        body=message.body,
        count=int(tokens[at]),
        sequence=int(tokens[at + 1]),
        recheck=late or HEADER_RECHECK in message.headers,
        stored_at=datetime.fromtimestamp(int(tokens[at + 3]) / 1e9, UTC),
        due=message.headers.get(HEADER_DUE),
    )
