"""The log pump: what an attempt prints, from its pipes to the broker, with bounded memory.

Chunks are gathered for at most 30 ms or 128 KiB, then published as one numbered message; up to eight are under way at
once. Where the broker is slower than the job, `feed` says so and the job's pipes are left alone until it has caught up.
Beyond the cap the newest bytes are kept in a ring and published at the end, behind a frame that says what is missing.
A job that prints nothing costs nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from tqcli.core.record import Output
from tqcli.errors import QueueFull, TqError
from tqcli.jetstream.logs import CUT, STDOUT, Frame, encode_frames, publish_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.jetstream.broker import Broker

GATHER_S = 0.03
GATHER_BYTES = 128 * 1024
WINDOW = 8
PENDING_BYTES = 1024 * 1024
CAP_BYTES = 64 * 1024 * 1024
TAIL_BYTES = 1024 * 1024
RETRY_PAUSE_S = 0.5


class LogPump:
    """One attempt's output on its way. `on_caught_up` is called when a paused job may print again."""

    def __init__(
        self, broker: Broker, subject: str, *, on_caught_up: Callable[[], None], cap_bytes: int = CAP_BYTES
    ) -> None:
        """Publish to `subject`; of more than `cap_bytes`, head and tail."""
        self._broker = broker
        self._subject = subject
        self._on_caught_up = on_caught_up
        self._head_left = max(cap_bytes - TAIL_BYTES, 0)
        self._gathered: list[Frame] = []
        self._gathered_bytes = 0
        self._tail: deque[Frame] = deque()
        self._tail_bytes = 0
        self._number = 0
        self._pending_bytes = 0
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._posts: set[asyncio.Task[None]] = set()
        self._window = asyncio.Semaphore(WINDOW)
        self._stdout = self._stderr = self._dropped = 0

    def feed(self, stream: int, data: bytes) -> bool:
        """Take what was read; return False to ask for a pause."""
        if stream == STDOUT:
            self._stdout += len(data)
        else:
            self._stderr += len(data)
        frame = Frame(stream, time.time_ns() // 1000, data)
        if self._head_left >= len(data) and not self._tail:
            self._head_left -= len(data)
            self._gather(frame)
        else:
            self._keep_tail(frame)
        self._paused = self._pending_bytes + self._gathered_bytes > PENDING_BYTES
        return not self._paused

    async def close(self) -> Output | None:
        """Publish what is left, wait until all of it is stored, and return the counts; None: nothing was printed."""
        if self._tail:
            if self._dropped:
                self._gather(Frame(CUT, self._tail[0].at_us, str(self._dropped).encode()))
            for frame in self._tail:
                self._gather(frame)
        self._flush()
        while self._posts:
            await asyncio.wait(self._posts)
        if not self._stdout and not self._stderr:
            return None
        return Output(stdout=self._stdout, stderr=self._stderr, dropped=self._dropped)

    def _gather(self, frame: Frame) -> None:
        self._gathered.append(frame)
        self._gathered_bytes += len(frame.data)
        if self._gathered_bytes >= GATHER_BYTES:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._flush)

    def _keep_tail(self, frame: Frame) -> None:
        self._tail.append(frame)
        self._tail_bytes += len(frame.data)
        while self._tail_bytes - len(self._tail[0].data) >= TAIL_BYTES:
            oldest = self._tail.popleft()
            self._tail_bytes -= len(oldest.data)
            self._dropped += len(oldest.data)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._gathered:
            return
        body = encode_frames(self._number, self._gathered)
        self._number += 1
        self._pending_bytes += self._gathered_bytes
        task = asyncio.get_running_loop().create_task(self._post(body, self._gathered_bytes))
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)
        self._gathered = []
        self._gathered_bytes = 0

    async def _post(self, body: bytes, size: int) -> None:
        """Store one message, however long the broker is away. A log that is full loses it, never the job (H30)."""
        async with self._window:
            while True:
                try:
                    await publish_frames(self._broker, self._subject, body)
                except QueueFull:
                    self._dropped += size
                except TqError:
                    await asyncio.sleep(RETRY_PAUSE_S)
                    continue
                break
        self._pending_bytes -= size
        if self._paused and self._pending_bytes < PENDING_BYTES // 2:
            self._paused = False
            self._on_caught_up()
