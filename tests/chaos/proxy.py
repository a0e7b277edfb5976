"""A bad line: a TCP proxy that can be cut at any byte, swallow everything, or take its time."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

CHUNK_BYTES = 64 * 1024
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: the other side sees a reset, not an orderly end."""


class Lines:
    """The event loop, in a thread of its own, that all proxies of a test run on."""

    def __init__(self) -> None:
        """Prepare; the context manager starts the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._proxies: list[Proxy] = []

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close all lines."""
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self, port: int) -> Proxy:
        """Return a new line to this port of the loopback interface."""
        proxy = Proxy(self, port)
        self.run(proxy.listen())
        self._proxies.append(proxy)
        return proxy

    def run(self, work: Coroutine[None, None, None]) -> None:
        """Do something on the loop, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def call(self, action: Callable[[], None]) -> None:
        """Do something quick on the loop, and wait for it."""

        async def work() -> None:
            action()

        self.run(work())

    async def _stop(self) -> None:
        for proxy in self._proxies:
            proxy.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Proxy:
    """One line: `port` is its near end."""

    def __init__(self, lines: Lines, target: int) -> None:
        """See `Lines.open`."""
        self.port = 0
        self._lines = lines
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._delay_s = 0.0
        self._bytes_left: int | None = None

    async def listen(self) -> None:
        """Take connections from now on."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Take no more connections; to be called on the loop."""
        if self._server is not None:
            self._server.close()

    def cut(self, *, after_bytes: int = 0) -> None:
        """Reset all connections, when so many more bytes have passed; new ones are welcome."""

        def act() -> None:
            self._bytes_left = after_bytes
            if after_bytes == 0:
                self._reset()

        self._lines.call(act)

    def swallow(self) -> None:
        """Take connections and bytes, and pass nothing on, until `restore`."""
        self._lines.call(self._flowing.clear)

    def delay(self, seconds: float) -> None:
        """Let each chunk wait for so long, until `restore`."""

        def act() -> None:
            self._delay_s = seconds

        self._lines.call(act)

    def restore(self) -> None:
        """Be a good line again: what waited goes on its way."""

        def act() -> None:
            self._delay_s, self._bytes_left = 0.0, None
            self._flowing.set()

        self._lines.call(act)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):  # the end of a task that nobody waits for
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers |= {writer, far_writer}
            ways = [
                asyncio.ensure_future(self._pump(reader, far_writer)),
                asyncio.ensure_future(self._pump(far_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                self._writers -= {writer, far_writer}
                far_writer.transport.abort()
        writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await self._flowing.wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                if self._bytes_left is not None:
                    chunk, cut = chunk[: self._bytes_left], len(chunk) >= self._bytes_left
                    self._bytes_left -= len(chunk)
                    writer.write(chunk)
                    if cut:
                        await writer.drain()
                        self._reset()
                        return
                else:
                    writer.write(chunk)
                await writer.drain()

    def _reset(self) -> None:
        self._bytes_left = None
        for writer in self._writers:
            sock = writer.get_extra_info("socket")
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
