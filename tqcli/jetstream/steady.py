"""A plain link's connection that comes back: to any of the servers, with everything subscribed again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from tqcli.errors import TqError, Unavailable, Unknown
from tqcli.jetstream.address import parse_address
from tqcli.jetstream.admission import CONNECT_TIMEOUT_S, Gone, combine
from tqcli.jetstream.channel import Channel, Lost, Waiter
from tqcli.jetstream.dial import dial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tqcli.core.endpoint import Endpoint
    from tqcli.jetstream.address import Address
    from tqcli.jetstream.link import ServerInfo
    from tqcli.jetstream.wire import Event

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_SHORTEST_TRY_S = 1.0
_SEND_AT_BYTES = 32 * 1024
_WAIT_AT_BYTES = 1024 * 1024
_TRUSTED_S = 0.001  # a connection idle for longer is looked at before it is written to


class Owner(Protocol):
    """Who uses the connection."""

    def take(self, event: Event) -> None:
        """Take an event in."""
        ...

    def lose(self, why: str) -> None:
        """Write off what was under way: the connection is gone."""
        ...

    def subscriptions(self) -> bytes:
        """Return the SUBs for a new connection."""
        ...


class SteadyConnection:
    """At most one open channel, and the rules of getting another."""

    def __init__(self, endpoint: Endpoint, addresses: Sequence[Address], owner: Owner) -> None:
        """Prepare; `open` connects."""
        self.patience_s: float | None = 15.0
        self.on_event: Callable[[str], None] | None = None
        self.locate: Callable[[], Endpoint] | None = None
        self.gone_s = 0.0
        self.waiter = Waiter()
        self.server: ServerInfo | None = None
        self._endpoint = endpoint
        self._addresses = addresses
        self._owner = owner
        self._channel: Channel | None = None
        self._closed = False
        self._down_since: float | None = None
        self._retry_at = 0.0
        self._pause_s = _FIRST_PAUSE_S

    def open(self, deadline: float) -> None:
        """Connect to the first server that takes us.

        Raises:
            TqError: none does; see `connect_plain`.
        """
        failures: list[TqError] = []
        subscriptions = self._owner.subscriptions()
        for number, address in enumerate(self._addresses):
            now = time.monotonic()
            share = max(0.0, deadline - now) / (len(self._addresses) - number)
            try:
                dialed = dial(self._endpoint, address, subscriptions, deadline=now + share, wait=self.waiter.wait)
            except TqError as error:
                failures.append(error)
                continue
            self._channel = Channel(dialed, self.waiter)
            self.server = dialed.server
            self._down_since = None
            for event in dialed.early:
                self._owner.take(event)
            return
        raise combine(failures)

    def ensure(self, deadline: float | None = None) -> bool:
        """Return True once connected, False at `deadline`.

        Raises:
            Unavailable: it did not come back for as long as we have patience.
        """
        if self._channel is not None:
            return True
        if self._closed:
            msg = "the link is closed"
            raise Unavailable(msg)
        now = time.monotonic()
        if self._down_since is None:
            self._down_since, self._retry_at, self._pause_s = now, now, _FIRST_PAUSE_S
        give_up = float("inf") if self.patience_s is None else self._down_since + self.patience_s
        stop = give_up if deadline is None else min(give_up, deadline)
        while deadline is None or now < deadline:
            if now >= min(self._retry_at, give_up) and self._try(now, stop, give_up):
                return True
            self.waiter.wait(None, 0, min(self._retry_at, stop))
            now = time.monotonic()
        return False

    def _try(self, now: float, stop: float, give_up: float) -> bool:
        """Return whether a try to connect succeeded; raise its error if it was the last."""
        since = self._down_since or now
        try:
            self._move()
            self.open(min(now + CONNECT_TIMEOUT_S, max(stop, now + _SHORTEST_TRY_S)))
        except TqError as error:
            now = time.monotonic()
            if now >= give_up or (isinstance(error, Gone) and now >= since + self.gone_s):
                self._down_since = None
                raise
            self._retry_at = now + self._pause_s
            self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
            return False
        if self.server is not None:
            self.say(f"connected to {self.server.url} again")
        return True

    def _move(self) -> None:
        """Find out where the server is now, where that may change."""
        if self.locate is not None:
            self._endpoint = self.locate()
            self._addresses = [parse_address(url) for url in self._endpoint.servers]

    def turn(self, deadline: float | None) -> bool:
        """Wait once, for a connection if there is none; return whether anything came."""
        return self.ensure(deadline) and self._turn(deadline)

    def write(self, data: bytes, *, at_once: bool) -> None:
        """Send, or queue for the next turn. The connection was `ensure`d before."""
        channel = self._channel
        if channel is None:
            return  # lost in between; whoever waits for an answer was told
        channel.write(data)
        try:
            if at_once or channel.unsent_bytes >= _SEND_AT_BYTES:
                channel.flush()
        except Lost as error:
            self._lose(error)
        while channel is self._channel and channel.unsent_bytes > _WAIT_AT_BYTES:
            self._turn(None)

    def look(self) -> None:
        """Notice that an idle connection is gone before something is entrusted to it."""
        if self._channel is not None and time.monotonic() - self._channel.used_at > _TRUSTED_S:
            while self._turn(time.monotonic()):
                pass  # a server that leaves has last words

    def confirm(self, deadline: float) -> bool:
        """Wait until the server has taken in everything written so far; return False if the connection was lost.

        Raises:
            Unknown: it did not say so in time.
        """
        channel = self._channel
        if channel is None:
            return False
        ping = channel.ping()
        while not channel.is_answered(ping):
            came = self._turn(deadline)
            if channel is not self._channel:
                return False
            if not came and time.monotonic() >= deadline:
                msg = f"{channel.server.url} did not answer in time"
                raise Unknown(msg, hint="it may have happened; repeating it is safe")
        return True

    def pause(self, deadline: float) -> None:
        """Wait once, without asking for a connection where there is none."""
        if self._channel is None:
            self.waiter.wait(None, 0, deadline)
        else:
            self._turn(deadline)

    def say(self, text: str) -> None:
        """Tell the user."""
        if self.on_event is not None:
            self.on_event(text)

    def close(self) -> None:
        """Close for good."""
        self._closed = True
        if self._channel is not None:
            self._channel.close()
        self._channel = None

    def _turn(self, deadline: float | None) -> bool:
        if self._channel is None:
            return False
        try:
            events = self._channel.turn(deadline)
        except Lost as error:
            self._lose(error)
            return False
        for event in events:
            self._owner.take(event)
        return bool(events)

    def _lose(self, why: Lost) -> None:
        if self._channel is not None and self.server is not None:
            self._channel.close()
            self._channel = None
            self._owner.lose(f"the connection to {self.server.url} was lost ({why})")
            self.say(f"connection to {self.server.url} lost; reconnecting")
