"""Following one job to its end: what it prints, as it prints it.

Subscriptions come first, then what is stored, then what arrives. Messages that arrive are put in order by their
numbers, and a hole is filled from the stream. An agent stores all of an attempt's log before its record, so once the
record is there, so is the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.client.hints import LOOK_AGAIN_S, confirm, is_final, is_hint, is_over, look
from tqcli.client.inbox import Inbox
from tqcli.client.logs import ANY, PAGE, check_attempt
from tqcli.client.patience import insist
from tqcli.client.printed import Reader, Which
from tqcli.core.codec import decode_spec
from tqcli.core.job import Job, describe
from tqcli.jetstream.scan import oldest_first

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from tqcli.client.printed import Attempts, Printed
    from tqcli.core.ids import JobId
    from tqcli.core.record import Record
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.scan import Stored


class Follower:
    """One job, followed. `attempts`: all, the last one so far and those after it, or one alone.

    `job` is None until it has ended (or the one attempt has). `on_silence` gets the job as it stands, every few seconds
    without news: `look_after_s`.
    """

    def __init__(
        self,
        broker: Broker,
        job_id: JobId,
        attempts: Attempts = Which.ALL,
        *,
        on_silence: Callable[[Job], Awaitable[None]] | None = None,
    ) -> None:
        self.job: Job | None = None
        self._broker = broker
        self._id = job_id
        self._element = job_id.index or 0
        self._attempts = attempts
        self._over = is_over(attempts) if isinstance(attempts, int) else is_final
        self._on_silence = on_silence
        self._inbox = Inbox()
        self._reader = Reader()
        self.look_after_s = LOOK_AGAIN_S
        self._first = attempts if isinstance(attempts, int) else 1
        self._cursor = 1

    async def open(self) -> None:
        """Listen. Done before the job is submitted, nothing of it can be missed."""
        names, group = self._broker.names, self._id.group
        attempt = self._attempts if isinstance(self._attempts, int) else ANY
        await self._inbox.open(
            self._broker.link, [names.record(group, self._element), names.log(group, self._element, attempt)]
        )

    async def close(self) -> None:
        """Listen no more."""
        await self._inbox.close()

    async def read_stored(self) -> AsyncIterator[Printed]:
        """Yield what is printed already; `read` goes on from there.

        Raises:
            NotFound: there is no such job, or it has ended without such an attempt.
        """
        found = await look(self._broker, self._id)
        job = describe(*found)
        if job.state.final:
            check_attempt(job, self._attempts)
        if self._attempts is Which.LAST and found.record is not None:
            self._first = found.record.attempt or 1
        # What came before this attempt is not read, so the cursor starts behind it.
        async for printed in self._catch_up(self._first if self._attempts is Which.LAST else None):
            yield printed
        if found.record is not None and self._over(found.record):
            self.job = job

    async def read(self) -> AsyncIterator[Printed]:
        """Yield what is printed, as it is, up to the end. Where a wait is interrupted, it can be called again.

        Raises:
            NotFound: the job is gone.
            Unavailable: the broker is, and the link's patience with it.
        """
        record_subject = self._broker.names.record(self._id.group, self._element)
        while self.job is None:
            message = await self._inbox.next(self.look_after_s)
            if message is None:
                async for printed in self._catch_up():
                    yield printed
                await self._look()
            elif message.subject == record_subject:
                if is_hint(message.body, self._over):
                    self._end(await confirm(self._broker, self._id, self._over))
            else:
                for printed in self._take(message.subject, message.body):
                    yield printed
                if self._reader.is_waiting:
                    async for printed in self._catch_up():
                        yield printed
        async for printed in self._read_rest(self.job):
            yield printed

    async def _read_rest(self, job: Job) -> AsyncIterator[Printed]:
        # The record may have been heard before log messages that had come with it.
        async for printed in self.linger(0):
            yield printed
        if not self._is_complete(job):
            async for printed in self._catch_up():
                yield printed
        for printed in self._reader.flush():
            yield printed

    async def linger(self, silence_s: float) -> AsyncIterator[Printed]:
        """Yield what is printed after the end, until there is silence for so long: a cancelled job is still stopped."""
        while (message := await self._inbox.next(silence_s)) is not None:
            if message.subject != self._broker.names.record(self._id.group, self._element):
                for printed in self._take(message.subject, message.body):
                    yield printed

    async def _look(self) -> None:
        found = await look(self._broker, self._id)
        if found.record is not None and self._over(found.record):
            self.job = describe(*found)
        elif self._on_silence is not None:
            await self._on_silence(describe(*found))

    def _end(self, record: Record | None) -> None:
        if record is not None:
            self.job = describe(decode_spec(bytes(record.spec)), record)

    def _take(self, subject: str, body: bytes) -> Iterator[Printed]:
        if int(subject.rpartition(".")[2]) >= self._first:
            yield from self._reader.take(subject, body)

    async def _catch_up(self, attempt: int | None = None) -> AsyncIterator[Printed]:
        """Yield what the stream has and we have not; of one attempt, where it is given."""
        if attempt is None:
            attempt = self._attempts if isinstance(self._attempts, int) else None
        while True:
            page = await insist(self._broker, lambda: self._read_page(attempt))
            for stored in page:
                self._cursor = stored.sequence + 1
                for printed in self._take(stored.subject, stored.body):
                    yield printed
            if len(page) < PAGE:
                return

    async def _read_page(self, attempt: int | None) -> list[Stored]:
        broker = self._broker
        subject = broker.names.log(self._id.group, self._element, ANY if attempt is None else attempt)
        found: list[Stored] = []
        async for stored in oldest_first(broker.link, broker.names.logs, subject, start=self._cursor, page=PAGE):
            found.append(stored)
            if len(found) == PAGE:
                break
        return found

    def _is_complete(self, job: Job) -> bool:
        """Return whether it is sure, without asking, that nothing of the log was missed."""
        if self._reader.is_waiting or job.attempt > self._first:
            return False
        output = job.output
        printed_bytes = 0 if output is None else output.stdout + output.stderr - output.dropped
        return self._reader.given[self._element, job.attempt] == printed_bytes
