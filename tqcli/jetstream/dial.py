"""Opening a connection to one server with a blocking caller: TCP, TLS where it is wanted, the handshake.

The socket itself never blocks. Every wait goes through the caller's `wait`, which knows the deadline and whether a
signal came in.
"""

from __future__ import annotations

import _thread
import errno
import os
import select
import socket
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from tqcli.errors import SettingsError, TqError, Unavailable
from tqcli.jetstream.admission import Unreachable, admit, explain_refusal, unreachable
from tqcli.jetstream.auth import connect_options
from tqcli.jetstream.wire import PING, Err, Event, Info, Parser, Signal, WireError, encode_connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tqcli.core.endpoint import Endpoint
    from tqcli.jetstream.address import Address
    from tqcli.jetstream.link import ServerInfo

T = TypeVar("T")

READ_BYTES = 256 * 1024
"""More than a TLS record (16 KiB), so no decrypted byte stays behind where poll(2) can't see it."""

USER_TIMEOUT_MS = 10_000
"""The kernel gives a connection up when sent bytes stay unacknowledged for so long (H20); by default, 15 minutes."""

CLIENT_NAME = "tq"


class Wait(Protocol):
    """Waits until some of poll(2)'s `events` happen on `fd`; returns them, or 0 at `deadline` (time.monotonic)."""

    def __call__(self, fd: int, events: int, deadline: float) -> int:
        """Wait."""
        ...


class Dialed(NamedTuple):
    """A connection that is ready: `early` are the events that came together with the end of the handshake."""

    sock: socket.socket
    parser: Parser
    server: ServerInfo
    early: list[Event]
    retry: tuple[type[OSError], ...]
    """What `sock` raises where it would have to wait."""


def dial(endpoint: Endpoint, address: Address, subscribe: bytes, *, deadline: float, wait: Wait) -> Dialed:
    """Return a connection to the server at `address`, on which the SUBs in `subscribe` are in force.

    Raises:
        Unavailable: it can't be reached, is no NATS server, too old, or without JetStream.
        Forbidden: it refuses these credentials, or one of the subscriptions.
        SettingsError: a credentials file or TLS is wrong.
    """
    try:
        sock = _connect(address, deadline, wait)
    except OSError as error:
        raise unreachable(address.url, error) from error
    handshake = _Handshake(endpoint, address, sock, deadline, wait)
    try:
        return handshake.run(subscribe)
    except TqError:
        handshake.sock.close()
        raise
    except WireError as error:
        handshake.sock.close()
        msg = f"{address.url} is not a NATS server"
        raise Unavailable(msg, hint="check the port: nats-server's own is 4222") from error
    except OSError as error:
        handshake.sock.close()
        if handshake.encrypted and not isinstance(error, TimeoutError):
            from tqcli.jetstream.tls import explain_tls  # noqa: PLC0415 - ssl is imported only where TLS is used

            raise explain_tls(error, address.url) from error
        raise unreachable(address.url, error) from error
    except BaseException:  # a signal
        handshake.sock.close()
        raise


def tune(sock: socket.socket) -> None:
    """Send small messages at once, and notice a dead peer in seconds."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


def wants_tls(endpoint: Endpoint, address: Address, info: Info) -> bool:
    """Return whether to encrypt: where either side asks for it.

    Raises:
        SettingsError: we ask for it, and the server has none.
    """
    asked = address.scheme == "tls" or endpoint.tls_ca is not None or endpoint.tls_cert is not None
    if asked and not (info.tls_required or info.tls_available):
        msg = f"{address.url} does not speak TLS"
        raise SettingsError(msg, hint="use a nats:// URL without --tls-… options, or configure TLS on the server")
    return asked or info.tls_required


def _resolve(address: Address, deadline: float) -> Sequence[tuple[int, int, int, str, Any]]:
    """Return the host's addresses. A resolver may be silent for longer than we wait, so a thread asks it."""
    host, port = address.host, address.port
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass  # a name
    answer: list[Any] = []
    done = _thread.allocate_lock()
    done.acquire()

    def ask() -> None:
        try:
            answer.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answer.append(error)
        finally:
            done.release()

    _thread.start_new_thread(ask, ())
    if not done.acquire(timeout=max(0.0, deadline - time.monotonic())):
        msg = "no answer from the resolver"
        raise TimeoutError(msg)
    if isinstance(answer[0], OSError):
        raise answer[0]
    found: Sequence[tuple[int, int, int, str, Any]] = answer[0]
    return found


def _connect(address: Address, deadline: float, wait: Wait) -> socket.socket:
    """Return a socket connected to the first of the host's addresses that answers."""
    failure: OSError = OSError("it has no address")
    for family, kind, proto, _, where in _resolve(address, deadline):
        sock = socket.socket(family, kind, proto)
        try:
            sock.settimeout(0.0)
            tune(sock)
            code = sock.connect_ex(where)
            if code == errno.EINPROGRESS:
                if not wait(sock.fileno(), select.POLLOUT, deadline):
                    code = errno.ETIMEDOUT
                else:
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except BaseException:
            sock.close()
            raise
        if not code:
            return sock
        sock.close()
        failure = OSError(code, os.strerror(code))
    raise failure


class _Handshake:
    """INFO, TLS, CONNECT, PING, PONG."""

    def __init__(self, endpoint: Endpoint, address: Address, sock: socket.socket, deadline: float, wait: Wait) -> None:
        self.sock = sock
        self.encrypted = False
        self._endpoint = endpoint
        self._address = address
        self._deadline = deadline
        self._wait = wait
        self._parser = Parser()
        self._retry: tuple[type[OSError], ...] = (BlockingIOError,)

    def run(self, subscribe: bytes) -> Dialed:
        info = self._read()[0]
        if not isinstance(info, Info):
            raise WireError(info)
        server = admit(info, self._address.url)
        if wants_tls(self._endpoint, self._address, info):
            self._encrypt()
        options = connect_options(self._endpoint, self._address, info, name=CLIENT_NAME)
        self._send(encode_connect(options) + subscribe + PING)
        early: list[Event] = []
        while True:
            events = self._read()
            for number, event in enumerate(events, 1):
                if event is Signal.PONG:
                    return Dialed(self.sock, self._parser, server, early + events[number:], self._retry)
                if isinstance(event, Err):
                    raise explain_refusal(event.text, self._address.url)
                early.append(event)

    def _encrypt(self) -> None:
        from tqcli.jetstream.tls import WANTS, make_tls_context  # noqa: PLC0415 - ssl is imported only for TLS

        context = make_tls_context(self._endpoint)
        self.encrypted = True
        self._retry = WANTS
        tls = context.wrap_socket(self.sock, server_hostname=self._address.host, do_handshake_on_connect=False)
        self.sock = tls
        self._insist(tls.do_handshake)

    def _read(self) -> list[Event]:
        """Return the next events: at least one."""
        events: list[Event] = []
        while not events:
            data = self._insist(lambda: self.sock.recv(READ_BYTES))
            if not data:
                msg = f"{self._address.url} closed the connection during the handshake"
                raise Unreachable(msg, hint="check that a NATS server listens on this port")
            events = self._parser.feed(data)
        return events

    def _send(self, data: bytes) -> None:
        while data:
            chunk = data
            data = data[self._insist(lambda: self.sock.send(chunk)) :]  # noqa: B023 - called at once

    def _insist(self, operation: Callable[[], T]) -> T:
        """Repeat `operation` until it need not wait any more."""
        while True:
            try:
                return operation()
            except self._retry as error:
                # TLS may have to write in order to read, and its error says so. What we send without TLS always fits.
                writes = "Write" in type(error).__name__
                events = select.POLLOUT if writes else select.POLLIN
            if not self._wait(self.sock.fileno(), events, self._deadline):
                msg = "it accepts connections but does not answer"
                raise TimeoutError(msg)
