"""Following a group to its end: what its jobs print, as it is stored.

The stream is read again and again for what is new: a subscription would bring the same bytes a second time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tqcli.client.hints import LOOK_AGAIN_S
from tqcli.client.logs import PAGE, read_last_attempts
from tqcli.client.patience import insist
from tqcli.client.printed import Reader, Which
from tqcli.jetstream.scan import oldest_first

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tqcli.client.printed import Attempts, Printed
    from tqcli.client.watch import GroupWatch
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.scan import Stored

_PAUSE_S = 0.1
_ANY = "*"


class GroupFollower:
    """A group, followed; `watch` knows how far it is. `attempts` are as for `Follower`, of each job."""

    def __init__(self, broker: Broker, watch: GroupWatch, attempts: Attempts = Which.ALL) -> None:
        """Nothing is read before `read`."""
        self.watch = watch
        self._broker = broker
        self._attempts = attempts
        self._first: dict[int, int] = {}
        self._reader = Reader()
        self._cursor = 1

    async def read_stored(self) -> AsyncIterator[Printed]:
        """Yield what is printed already; `read` goes on from there."""
        if self._attempts is Which.LAST:
            self._first = await insist(self._broker, lambda: read_last_attempts(self._broker, self.watch.id.group))
        async for printed in self._catch_up():
            yield printed

    async def read(self) -> AsyncIterator[Printed]:
        """Yield what is printed, up to the end. Where a wait is interrupted, it can be called again.

        Raises:
            Unavailable: the broker is, and the link's patience with it.
        """
        checked = time.monotonic()
        await self.watch.refresh()
        while True:
            # The records were read before the log: a job's log is stored before its last record.
            async for printed in self._catch_up():
                yield printed
            if self.watch.is_over:
                break
            await self._broker.link.sleep(_PAUSE_S)
            await self.watch.refresh()
            if time.monotonic() - checked >= LOOK_AGAIN_S:
                checked = time.monotonic()
                await self.watch.check()
        for printed in self._reader.flush():
            yield printed

    async def _catch_up(self) -> AsyncIterator[Printed]:
        while True:
            page = await insist(self._broker, self._read_page)
            for stored in page:
                self._cursor = stored.sequence + 1
                for printed in self._reader.take(stored.subject, stored.body):
                    if self._is_chosen(printed):
                        yield printed
            if len(page) < PAGE:
                return

    async def _read_page(self) -> list[Stored]:
        broker = self._broker
        subject = broker.names.log(self.watch.id.group, _ANY, _ANY)
        found: list[Stored] = []
        async for stored in oldest_first(broker.link, broker.names.logs, subject, start=self._cursor, page=PAGE):
            found.append(stored)
            if len(found) == PAGE:
                break
        return found

    def _is_chosen(self, printed: Printed) -> bool:
        if isinstance(self._attempts, int):
            return printed.attempt == self._attempts
        return printed.attempt >= self._first.get(printed.element, 1)
