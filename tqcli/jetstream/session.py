"""One life of an agent's connection: nats-py from dialling to the first trouble.

nats-py reconnects by itself, but every known way in which that ends badly (H20 to H25) lies in its reconnecting. So a
session never reconnects: at the first trouble it is dropped, socket and tasks, and `connection.Connection` makes the
next one. What nats-py is left with is what it does well: TCP and TLS on asyncio, the handshake, reading, pings.

The parser is tq's own (`wire.Parser`), in the place of nats-py's. It hands messages on within the read, without a task,
a queue and a regular expression for each; it keeps the case of subjects in errors (H6); and no odd message can end it
(H25). The names with an underscore that are used here are nats-py's of 2.16; tests/integration/test_links.py fails when
a release moves them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import msgspec
import nats.errors
from nats.aio.client import Client, Srv

from tqcli.errors import TqError, Unavailable
from tqcli.jetstream.admission import admit, explain_refusal, unreachable
from tqcli.jetstream.auth import connect_options
from tqcli.jetstream.clock import now_s
from tqcli.jetstream.dial import tune, wants_tls
from tqcli.jetstream.link import Message
from tqcli.jetstream.tls import explain_tls, make_tls_context
from tqcli.jetstream.topology import ACK_WAIT_S
from tqcli.jetstream.wire import PING, PONG, Delivery, Err, Info, Parser, Signal, WireError, encode_connect

if TYPE_CHECKING:
    from tqcli.core.endpoint import Endpoint
    from tqcli.jetstream.address import Address
    from tqcli.jetstream.link import ServerInfo

PING_INTERVAL_S = 5
MAX_OUTSTANDING_PINGS = 2
LATE_S = ACK_WAIT_S - 1.0
"""A little less than a lease: what was under way for longer may be somebody else's by now."""

CATCHING_UP_S = 1.0
"""After a silence, for how long what comes may still be what came meanwhile: it takes several reads."""

SILENCE_S = 15
"""Without a byte for so long, the connection is dropped (H20)."""

_FULL_BYTES = 256 * 1024


class Handlers(msgspec.Struct, frozen=True):
    """What a session calls, on the event loop. None of these may raise."""

    deliver: Callable[[int, Message], None]
    complain: Callable[[str], None]
    lose: Callable[[Session, str], None]


class Session(Client):
    """A nats-py client that does not reconnect."""

    admitted: ServerInfo

    def __init__(self, endpoint: Endpoint, address: Address, handlers: Handlers, *, name: str) -> None:
        """Prepare; `open` connects."""
        super().__init__()
        self._endpoint = endpoint
        self._address = address
        self._handlers = handlers
        self._name = name
        self._subscribe = b""
        self._ps: Any = self  # see `parse`
        self._parser = Parser()
        self._lost = False
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._silent_s = 0
        self._heard_at = now_s()
        self._late_until = -math.inf
        self._watchdog: asyncio.TimerHandle | None = None
        self.complaint: str | None = None
        """The server's last -ERR: after most, it closes the connection."""
        self.url = address.url

    async def open(self, subscribe: bytes) -> None:
        """Connect; the SUBs in `subscribe` are in force when this returns. See `open_session`."""
        self._subscribe = subscribe
        await self.connect(
            servers=[_url(self._address)],
            error_cb=_ignore,
            allow_reconnect=False,
            connect_timeout=SILENCE_S,  # the caller's own limit is shorter
            ping_interval=PING_INTERVAL_S,
            max_outstanding_pings=MAX_OUTSTANDING_PINGS,
        )
        # nats-py takes any line for the PONG that ends the handshake: an INFO that came before, even the end of file.
        if not self.is_connected:
            self._status = Client.CONNECTED
            self._pongs.append(asyncio.get_running_loop().create_future())  # it is still to come, if it comes
        await self.round_trip()
        self._watchdog = asyncio.get_running_loop().call_later(1.0, self._watch)

    def send(self, data: bytes) -> None:
        """Send `data` together with all that is sent in this turn of the event loop."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush_unsent)
        self._unsent.append(data)
        self._unsent_bytes += len(data)

    @property
    def lost(self) -> bool:
        """Whether the connection is gone."""
        return self._lost

    @property
    def is_full(self) -> bool:
        """Whether it is time to `drain_unsent`."""
        return self._unsent_bytes > _FULL_BYTES

    async def drain_unsent(self) -> None:
        """Hand everything to the socket, and wait while that can't keep up."""
        self._flush_unsent()
        if not self._lost:
            with suppress(ConnectionError):  # lost: `abort` tells whom it concerns
                await self._writer.drain()

    async def round_trip(self) -> None:
        """Return when the server has taken in all that was sent, and its complaints about it are here.

        Raises:
            ConnectionError: the connection was lost.
        """
        self._flush_unsent()
        if self._lost:
            raise ConnectionResetError(self.complaint)
        pong: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pongs.append(pong)
        self._writer.write(PING)
        await pong

    def abort(self, why: str) -> None:
        """Drop the connection, whatever is unsent: waiting for a frozen peer takes for ever (H20)."""
        if self._lost:
            return
        self._lost = True
        self._status = Client.CLOSED
        if self._watchdog is not None:
            self._watchdog.cancel()
        current = asyncio.current_task()
        for task in (self._reading_task, self._ping_interval_task, self._flusher_task):
            if task is not None and task is not current:
                task.cancel()
        if self._writer is not None:
            self._writer.transport.abort()
        for pong in self._pongs:
            if not pong.done():
                pong.set_exception(ConnectionResetError(why))
                pong.exception()  # looked at: for nats-py's own pings nobody waits, and asyncio would say so in the log
        self._pongs.clear()
        self._handlers.lose(self, why)

    @property
    def _writer(self) -> Any:
        return getattr(self._transport, "_io_writer", None)

    def _flush_unsent(self) -> None:
        data = b"".join(self._unsent)
        self._unsent.clear()
        self._unsent_bytes = 0
        if data and not self._lost:
            self._writer.write(data)

    def _watch(self) -> None:
        # Counted in seconds that this process lived through, so one that was itself stopped does not blame the server.
        self._silent_s += 1
        if self._silent_s >= SILENCE_S:
            self.abort(f"silent for {SILENCE_S} s")
        else:
            self._watchdog = asyncio.get_running_loop().call_later(1.0, self._watch)

    # What nats-py calls

    async def _select_next_server(self) -> None:
        """Dial once: nats-py's own tries for ever."""
        server = Srv(urlparse(_url(self._address)))
        await self._connect_to_server(server)
        self._current_server = server
        tune(self._writer.get_extra_info("socket"))

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002
        """Check the server, and make nats-py use TLS where either side asks for it."""
        if not initial_connection:
            return
        known = msgspec.convert(info, Info)
        self.admitted = admit(known, self._address.url)
        info["tls_required"] = wants_tls(self._endpoint, self._address, known)
        if info["tls_required"]:
            self.options["tls"] = make_tls_context(self._endpoint)
            self.options["tls_hostname"] = self._address.host

    def _connect_command(self) -> bytes:
        info = msgspec.convert(self._server_info, Info)
        return encode_connect(connect_options(self._endpoint, self._address, info, name=self._name)) + self._subscribe

    async def parse(self, data: bytes) -> None:
        """Take in what was read, in the place of nats-py's parser."""
        self._silent_s = 0
        self._note_gap()
        try:
            events = self._parser.feed(data)
        except WireError as error:
            self.abort(str(error))
            return
        deliver = self._handlers.deliver
        for event in events:
            if type(event) is Delivery:
                deliver(event.sid, event.message)
            elif event is Signal.PING:
                self.send(PONG)
            elif event is Signal.PONG:
                self._take_pong()
            elif isinstance(event, Err):
                self.complaint = event.text
                self._handlers.complain(event.text)

    @property
    def brings_late(self) -> bool:
        """Whether what arrives now may have been under way for `LATE_S`: it came after a silence as long as that.

        A server that is there answers a ping every 5 s, so there is none unless this process, or the line, stood still.
        """
        return now_s() < self._late_until

    def _note_gap(self) -> None:
        now = now_s()
        if now - self._heard_at >= LATE_S:
            self._late_until = now + CATCHING_UP_S
        self._heard_at = now

    def reset(self) -> None:
        """Do nothing: a session parses one connection."""

    def _take_pong(self) -> None:
        self._pings_outstanding = 0
        if self._pongs:
            pong = self._pongs.pop(0)
            if not pong.done():  # whoever waited may have left; nats-py's own code would raise here, and go deaf
                pong.set_result(True)

    async def _process_op_err(self, e: Exception) -> None:
        if isinstance(e, nats.errors.UnexpectedEOF):
            self.abort(self.complaint or "closed by the server")
        else:
            self.abort((isinstance(e, OSError) and e.strerror) or str(e))

    def explain(self, error: Exception) -> TqError:
        """Return tq's error for one of nats-py's during `open`."""
        if self.complaint is not None:
            return explain_refusal(self.complaint, self.url)
        if isinstance(error, TimeoutError):
            return unreachable(self.url, "it accepts connections but does not answer" if self._writer else "no answer")
        if isinstance(error, OSError):
            return explain_tls(error, self.url) if "tls" in self.options else unreachable(self.url, error)
        text = str(error).removeprefix("nats: ")
        if text.startswith("'"):  # a -ERR in the place of the first PONG
            return explain_refusal(text.strip("'"), self.url)
        return Unavailable(f"{self.url} is not a NATS server", hint="check the port: nats-server's own is 4222")


async def open_session(session: Session, subscribe: bytes, timeout_s: float) -> None:
    """Connect a session, or drop it; the SUBs in `subscribe` are in force when this returns.

    Raises:
        Unavailable: the server can't be reached within `timeout_s`, is no NATS server, too old, or without JetStream.
        Forbidden: it refuses these credentials, or the subscriptions.
        SettingsError: a credentials file or TLS is wrong.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await session.open(subscribe)
    except BaseException as error:
        session.abort("not opened")
        if isinstance(error, TqError) or not isinstance(error, Exception):
            raise
        raise session.explain(error) from error


async def _ignore(_: Exception) -> None:
    """Take an error of nats-py that also reaches us otherwise."""


def _url(address: Address) -> str:
    """Return the URL for nats-py, to which tq gives neither credentials nor the choice of TLS."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"nats://{host}:{address.port}"
