"""One open connection of a plain link: its buffers, its pings, and how to wait for it."""

from __future__ import annotations

import math
import os
import select
import time
from typing import TYPE_CHECKING

from tqcli.jetstream.dial import READ_BYTES, Dialed
from tqcli.jetstream.wire import PING, PONG, Event, Signal, WireError

if TYPE_CHECKING:
    from tqcli.jetstream.link import ServerInfo

PING_AFTER_S = 5.0
"""Silence after which we ask whether the server is there; after as much again, the connection counts as lost (H20)."""


class Interrupted(Exception):
    """A signal came in while waiting. The link is as it was: the same wait can be begun again."""


class Lost(Exception):
    """The connection is gone. Says why."""


class Waiter:
    """poll(2) on a socket and, once `wake_fd` is set, on the pipe that tells of signals."""

    def __init__(self) -> None:
        """Watch for no signals yet."""
        self._poll = select.poll()
        self._wake_fd: int | None = None

    def interrupt_on(self, fd: int) -> None:
        """Make every wait end with `Interrupted` when `fd` is readable: see `signal.set_wakeup_fd`."""
        if self._wake_fd is not None:
            self._poll.unregister(self._wake_fd)
        self._wake_fd = fd
        self._poll.register(fd, select.POLLIN)

    def wait(self, fd: int | None, events: int, deadline: float | None) -> int:
        """Return which of `events` happened on `fd`; 0 at `deadline` (time.monotonic).

        Raises:
            Interrupted: a signal came in.
        """
        left_ms = None if deadline is None else max(0, math.ceil((deadline - time.monotonic()) * 1000))
        if fd is not None:
            self._poll.register(fd, events)
        try:
            ready = self._poll.poll(left_ms)
        finally:
            if fd is not None:
                self._poll.unregister(fd)
        happened = 0
        for one, what in ready:
            if one == self._wake_fd:
                os.read(one, 4096)
                raise Interrupted
            happened = what
        return happened


class Channel:
    """An open connection: events come out of `turn`, bytes go into `write`."""

    def __init__(self, dialed: Dialed, waiter: Waiter) -> None:
        """Take over a connection whose handshake is done."""
        self.server: ServerInfo = dialed.server
        self._sock = dialed.sock
        self._parser = dialed.parser
        self._retry = dialed.retry
        self._waiter = waiter
        self._out = bytearray()
        self._heard_at = self._pinged_at = time.monotonic()
        self._pings = self._pongs = 0
        self.used_at = self._heard_at

    @property
    def unsent_bytes(self) -> int:
        """What the socket has not taken yet."""
        return len(self._out)

    def write(self, data: bytes) -> None:
        """Queue bytes: `flush` and `turn` send them."""
        self._out += data

    def ping(self) -> int:
        """Queue a PING; its answer has come once `is_answered` says so of the returned number."""
        self._pings += 1
        self._pinged_at = time.monotonic()
        self._out += PING
        return self._pings

    def is_answered(self, ping: int) -> bool:
        """Return whether everything sent before this ping has reached the server, and its complaints us."""
        return self._pongs >= ping

    def flush(self) -> None:
        """Send what the socket takes without waiting.

        Raises:
            Lost: the connection is gone.
        """
        if not self._out:
            return
        try:
            del self._out[: self._sock.send(self._out)]
        except self._retry:
            return
        except OSError as error:
            raise Lost(error.strerror or str(error)) from error
        self.used_at = time.monotonic()

    def turn(self, deadline: float | None) -> list[Event]:
        """Send, wait until something comes or `deadline`, and return what came.

        Raises:
            Lost: the connection is gone, or silent for too long.
            Interrupted: a signal came in.
        """
        self.flush()
        asked = self._pinged_at > self._heard_at
        check_at = max(self._pinged_at, self._heard_at) + PING_AFTER_S
        until = check_at if deadline is None else min(check_at, deadline)
        wanted = select.POLLIN | select.POLLOUT if self._out else select.POLLIN
        ready = self._waiter.wait(self._sock.fileno(), wanted, until)
        if not ready:
            # Judged only here: while nobody waited nobody read, so silence before this wait proves nothing.
            if time.monotonic() >= check_at:
                if asked:
                    msg = f"silent for {PING_AFTER_S * 2:g} s"
                    raise Lost(msg)
                self.ping()
                self.flush()
            return []
        return [] if ready == select.POLLOUT else self._read()

    def _read(self) -> list[Event]:
        data = b""
        try:
            data = self._sock.recv(READ_BYTES)
            if not data:
                msg = "closed by the server"
                raise Lost(msg)
        except self._retry:
            pass
        except OSError as error:
            raise Lost(error.strerror or str(error)) from error
        self.used_at = self._heard_at = time.monotonic()
        try:
            events = self._parser.feed(data)
        except WireError as error:
            raise Lost(str(error)) from error
        for event in events:
            if event is Signal.PING:
                self.write(PONG)
                self.flush()
            elif event is Signal.PONG:
                self._pongs += 1
        return events

    def close(self) -> None:
        """Close the socket, whatever is unsent."""
        self._sock.close()
