"""The clock of leases, and the broker's clock."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tqcli.jetstream.api import call

if TYPE_CHECKING:
    from tqcli.jetstream.link import Link

ASK_AGAIN_S = 5.0


def now_s() -> float:
    """Return seconds of a clock that goes on while this process is stopped, and while the host sleeps: as the server's.

    Source: clock_gettime(2), CLOCK_BOOTTIME.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


async def load_now(link: Link, stream: str) -> datetime:
    """Return the time by the clock of the server that leads a stream."""
    answer = await call(link, f"STREAM.INFO.{stream}")
    return datetime.fromisoformat(answer["ts"])


class BrokerClock:
    """The broker's clock, asked every few seconds and reckoned in between; it lags by what an answer takes."""

    def __init__(self, link: Link, stream: str) -> None:
        """Nothing is asked before `now`."""
        self._link = link
        self._stream = stream
        self._shown: datetime | None = None
        self._asked_s = 0.0

    async def now(self) -> datetime:
        """Return the broker's time.

        Raises:
            NotFound, Unknown, Unavailable: it can't be asked.
        """
        passed_s = now_s() - self._asked_s
        if self._shown is None or passed_s >= ASK_AGAIN_S:
            self._shown = await load_now(self._link, self._stream)
            self._asked_s, passed_s = now_s(), 0.0
        return self._shown + timedelta(seconds=passed_s)
