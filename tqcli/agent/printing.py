"""The log pump: what an attempt prints, from its pipes to the broker, with bounded memory.

Frames are gathered for at most 30 ms or 128 KiB, then published as one numbered message; up to eight of an attempt, and
32 of all, are under way at once, so that leases never queue behind a flood of logs on the one connection. What the
broker is too slow for, or away for, waits in a `Spool`: nothing holds up the job. Beyond the cap, or where the spool
has no room, the newest bytes are kept in a ring and published at the end, behind a frame that says what is missing. A
job that prints nothing costs nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from tqcli.agent.spool import Block, Spool
from tqcli.core.record import Output
from tqcli.errors import QueueFull, TqError, Unavailable, Unknown
from tqcli.jetstream.logs import CUT, FRAME_HEAD_BYTES, MESSAGE_HEAD_BYTES, STDOUT, encode_frame, publish_frames

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

GATHER_S = 0.03
MESSAGE_BYTES = 128 * 1024
LEAST_MESSAGE_BYTES = 1024
WINDOW = 8
TOGETHER = 32
"""4 MiB of logs under way at once."""
CAP_BYTES = 64 * 1024 * 1024
TAIL_BYTES = 1024 * 1024
RETRY_PAUSE_S = 0.5


class LogSender:
    """The way to the log stream, which all attempts of an agent share. Who sends holds a `turn`."""

    def __init__(self, broker: Broker) -> None:
        """Nothing is sent by itself."""
        self.turn = asyncio.Semaphore(TOGETHER)
        self._broker = broker

    @property
    def room_bytes(self) -> int:
        """How many bytes of frames fit into one message."""
        limit = max(LEAST_MESSAGE_BYTES, min(MESSAGE_BYTES, self._broker.link.server.max_payload))
        return limit - MESSAGE_HEAD_BYTES

    async def store(self, subject: str, number: int, frames: bytes) -> bool:
        """Store one message, however long the broker is away; return False where it never will be.

        A log that is full, refused or deleted loses its bytes, and never holds up the job (H30).
        """
        while True:
            try:
                await publish_frames(self._broker, subject, number, frames)
            except QueueFull:
                return False
            except (Unknown, Unavailable):
                await asyncio.sleep(RETRY_PAUSE_S)
            except TqError:
                return False
            else:
                return True


class LogPump:
    """One attempt's output on its way."""

    def __init__(self, sender: LogSender, subject: str, *, cap_bytes: int = CAP_BYTES) -> None:
        """Publish to `subject`; of more than `cap_bytes`, head and tail."""
        self._sender = sender
        self._subject = subject
        self._head_left = cap_bytes - TAIL_BYTES
        self._room_bytes = sender.room_bytes
        self._gathered = bytearray()
        self._gathered_at_us = 0
        self._gathered_printed = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due = False
        self._spool = Spool()
        self._tail: deque[Block] = deque()
        self._tail_printed = self._tail_bytes = 0
        self._closed = False
        self._number = 0
        self._sending: set[asyncio.Task[None]] = set()
        self._stdout = self._stderr = self._cut = self._lost = 0

    def feed(self, stream: int, data: bytes) -> None:
        """Take what was read."""
        if stream == STDOUT:
            self._stdout += len(data)
        else:
            self._stderr += len(data)
        at_us = time.time_ns() // 1000
        rest = memoryview(data)
        while rest:
            # There is always room for the head of a frame and a byte: `_gather` sees to it.
            room = self._room_bytes - len(self._gathered) - FRAME_HEAD_BYTES
            self._gather(stream, at_us, rest[:room])
            rest = rest[room:]

    async def close(self) -> Output | None:
        """Publish what is left, wait until all of it is stored, and return the counts; None: nothing was printed."""
        self._end_block()
        if self._cut:
            at_us = self._tail[0].at_us
            self._tail.appendleft(Block(at_us, 0, encode_frame(CUT, at_us, str(self._cut).encode())))
        self._closed = True
        for _ in self._tail:
            self._send_more()
        while self._sending:
            await asyncio.wait(self._sending)
        if not self._stdout and not self._stderr:
            return None
        return Output(stdout=self._stdout, stderr=self._stderr, dropped=self._cut + self._lost)

    # Gathering -----------------------------------------------------------------------------------------------------

    def _gather(self, stream: int, at_us: int, data: memoryview) -> None:
        if not self._gathered:
            self._gathered_at_us = at_us
        self._gathered += encode_frame(stream, at_us, data)
        self._gathered_printed += len(data)
        if len(self._gathered) + FRAME_HEAD_BYTES >= self._room_bytes:
            self._end_block()
        elif self._timer is None and self._in_head:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._on_due)

    def _on_due(self) -> None:
        self._timer = None
        self._due = True
        self._send_more()

    @property
    def _in_head(self) -> bool:
        return self._head_left > 0 and not self._tail

    def _end_block(self) -> None:
        """Put what is gathered where it waits: in the spool, or beyond the head in the ring."""
        if not self._gathered:
            return
        in_head, block = self._in_head, self._take_gathered()
        if in_head and self._spool.put(block):
            self._send_more()
        else:
            self._keep_tail(block)

    def _take_gathered(self) -> Block:
        block = Block(self._gathered_at_us, self._gathered_printed, bytes(self._gathered))
        self._gathered.clear()
        self._head_left -= self._gathered_printed
        self._gathered_printed = 0
        self._due = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return block

    def _keep_tail(self, block: Block) -> None:
        self._tail.append(block)
        self._tail_printed += block.printed_bytes
        self._tail_bytes += len(block.frames)
        # The second limit is for frames of a few bytes, whose heads would take more memory than they do.
        while self._tail_printed - self._tail[0].printed_bytes >= TAIL_BYTES or self._tail_bytes > 2 * TAIL_BYTES:
            oldest = self._tail.popleft()
            self._tail_printed -= oldest.printed_bytes
            self._tail_bytes -= len(oldest.frames)
            self._cut += oldest.printed_bytes

    # Sending -------------------------------------------------------------------------------------------------------

    def _send_more(self) -> None:
        """Have one more block under way, if there may be."""
        if len(self._sending) < WINDOW:
            self._sending.add(asyncio.get_running_loop().create_task(self._send()))

    async def _send(self) -> None:
        """Send blocks until there is none. Each is taken when it may be sent: before, it need not be in memory."""
        while True:
            async with self._sender.turn:
                block = self._next_block()
                if block is None:
                    break
                number, self._number = self._number, self._number + 1
                if not await self._sender.store(self._subject, number, block.frames):
                    self._lost += block.printed_bytes
        if (task := asyncio.current_task()) is not None:  # at once: `_send_more` must not count on this one any more
            self._sending.discard(task)

    def _next_block(self) -> Block | None:
        if (block := self._spool.get()) is not None:
            return block
        if self._closed:
            return self._tail.popleft() if self._tail else None
        return self._take_gathered() if self._due and self._gathered and self._in_head else None
