"""Group commit: the records of attempts that end together are written together.

With `sync_interval: always` the server syncs once for a publish and once for an atomic batch. So what arrives while one
write is under way goes out as one batch after it, and an idle system waits for nothing. Where one record of a batch has
lost its fence the server rejects the batch whole, and each is then written alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tqcli.core.codec import MAX_RECORD_BYTES
from tqcli.core.outcome import Failure, Raised
from tqcli.errors import Forbidden, SettingsError, TqError, Unavailable, Unknown
from tqcli.jetstream.records import Write, write_alone, write_together

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.errors import InvalidInput
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.link import ServerInfo

MOST_TOGETHER = 200
FEW = 8
"""Up to so many records go out one by one, if at once: for an atomic batch the server makes a file store and removes it
again, which costs it as much as several writes (half its time with batches of two; nats-server 2.15.1)."""

PACE_S = 0.005
"""The least time from one commit to the next. After a pause a record goes out at once; in a stream of short jobs each
commit carries those of 5 ms, which costs the server and this process less than a write for each."""

RENEW_S = 86_400.0
"""A `running` record is written again each day: gone with age, it could tell nobody that the job has a holder."""

RETRY_PAUSE_S = 0.5
REFUSED_PAUSE_S = 2.0
HEADER_BYTES = 1024
"""Room for the headers of a record; the server counts them (H5)."""


def check_room(server: ServerInfo) -> None:
    """Return where the server takes messages as large as a record may be.

    Raises:
        SettingsError: it does not.
    """
    needed = MAX_RECORD_BYTES + HEADER_BYTES
    if server.max_payload < needed:
        most = f"{server.max_payload:,} bytes"
        msg = f"{server.url} takes messages of up to {most}; the record of a job may have {needed:,}"
        raise SettingsError(msg, hint="raise max_payload in the server's configuration; 1MB is its default")


def describe_misfit(error: InvalidInput) -> Raised:
    """Return the outcome of a job whose record can't be sent: the server takes less than when this agent came."""
    return Raised(Failure("ResultTooLarge", f"the result does not fit: {error.message}"))


class Reporter:
    """Writes records for all attempts of an agent."""

    def __init__(self, broker: Broker, *, batch_prefix: str, say: Callable[[str], None]) -> None:
        """`batch_prefix` tells this agent's batches from those of others; `say` writes to the agent's log."""
        self._broker = broker
        self._prefix = batch_prefix
        self._say = say
        self._batches = 0
        self._waiting: list[tuple[Write, asyncio.Future[int]]] = []
        self._arrived = asyncio.Event()

    def write(self, write: Write) -> asyncio.Future[int]:
        """Return the sequence-to-be of this record.

        Raises (from the await):
            WrongSequence: this holder has lost its fence.
            InvalidInput: it is larger than the server takes.
        """
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, future))
        self._arrived.set()
        return future

    async def run(self) -> None:
        """Write what arrives until cancelled; while the broker is away, or refuses us, keep trying."""
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
        said = False
        while True:
            try:
                _settle(future, await write_alone(self._broker, write, unsure=unsure))
            except (Unknown, Unavailable):
                unsure = True
                await asyncio.sleep(RETRY_PAUSE_S)
                continue
            except Forbidden as error:
                # Somebody's mistake: given up, the job would run again and again, its end as unwritten as this one.
                if not said:
                    self._say(f"{error.message}; the record of job {write.group}.{write.index} waits")
                said = True
                await asyncio.sleep(REFUSED_PAUSE_S)
                continue
            except TqError as error:
                if not future.done():
                    future.set_exception(error)
            return


def _settle(future: asyncio.Future[int], sequence: int) -> None:
    if not future.done():
        future.set_result(sequence)
