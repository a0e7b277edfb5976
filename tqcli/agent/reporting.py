"""Group commit: the records of attempts that end together are written together.

With `sync_interval: always` the server syncs once for a publish and once for an atomic batch. So what arrives while one
write is under way goes out as one batch after it, and an idle system waits for nothing. Where one record of a batch has
lost its fence the server rejects the batch whole, and each is then written alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tqcli.errors import TqError, Unavailable, Unknown
from tqcli.jetstream.records import Write, write_alone, write_together

if TYPE_CHECKING:
    from tqcli.jetstream.broker import Broker

MOST_TOGETHER = 200
FEW = 8
"""Up to so many records go out one by one, if at once: for an atomic batch the server makes a file store and removes it
again, which costs it as much as several writes (half its time with batches of two; nats-server 2.15.1)."""

PACE_S = 0.005
"""The least time from one commit to the next. After a pause a record goes out at once; in a stream of short jobs each
commit carries those of 5 ms, which costs the server and this process less than a write for each."""

RETRY_PAUSE_S = 0.5


class Reporter:
    """Writes records for all attempts of an agent."""

    def __init__(self, broker: Broker, *, batch_prefix: str) -> None:
        """`batch_prefix` tells this agent's batches from those of others."""
        self._broker = broker
        self._prefix = batch_prefix
        self._batches = 0
        self._waiting: list[tuple[Write, asyncio.Future[int]]] = []
        self._arrived = asyncio.Event()

    def write(self, write: Write) -> asyncio.Future[int]:
        """Return the sequence-to-be of this record.

        Raises (from the await):
            WrongSequence: this holder has lost its fence.
        """
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, future))
        self._arrived.set()
        return future

    async def run(self) -> None:
        """Write what arrives until cancelled; while the broker is away, keep trying."""
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            await self._arrived.wait()
            if (wait_s := next_at - loop.time()) > 0:
                await asyncio.sleep(wait_s)
            next_at = loop.time() + PACE_S
            batch = self._waiting[:MOST_TOGETHER]
            del self._waiting[:MOST_TOGETHER]
            if not self._waiting:
                self._arrived.clear()
            await self._commit(batch)

    async def _commit(self, batch: list[tuple[Write, asyncio.Future[int]]]) -> None:
        unsure = False
        if len(batch) > FEW:
            self._batches += 1
            try:
                sequences = await write_together(
                    self._broker, f"{self._prefix}-{self._batches}", [write for write, _ in batch]
                )
            except TqError as error:
                # One lost its fence or can't be sent, or the broker did not answer: each finds out for itself.
                unsure = isinstance(error, Unknown)
            else:
                for (_, future), sequence in zip(batch, sequences, strict=True):
                    _settle(future, sequence)
                return
        async with asyncio.TaskGroup() as alone:
            for write, future in batch:
                alone.create_task(self._write_alone(write, future, unsure=unsure))

    async def _write_alone(self, write: Write, future: asyncio.Future[int], *, unsure: bool) -> None:
        while True:
            try:
                _settle(future, await write_alone(self._broker, write, unsure=unsure))
            except (Unknown, Unavailable):
                unsure = True
                await asyncio.sleep(RETRY_PAUSE_S)
                continue
            except TqError as error:
                if not future.done():
                    future.set_exception(error)
            return


def _settle(future: asyncio.Future[int], sequence: int) -> None:
    if not future.done():
        future.set_result(sequence)
