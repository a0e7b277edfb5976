"""The model's clock: nothing in it takes time, and time passes only where the model says so."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tqcli.agent import attempt, firings, lease
from tqcli.client import late
from tqcli.jetstream import enqueue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """Seconds since the start of a run; everybody's clock is the same."""

    def __init__(self) -> None:
        """Every run begins at 0."""
        self.s = 0.0

        self._tries = 0

    def monotonic(self) -> float:
        """Return what a submitter's patience is measured by: each of its tries takes as long as it waits for an answer.

        Only that clock goes on by being read: others need not do anything meanwhile.
        """
        self._tries += 1
        return self._tries * enqueue.ANSWER_TIMEOUT_S

    def now(self, _zone: tzinfo = UTC) -> datetime:
        """Return the moment."""
        return self.now_plus(0)

    def now_plus(self, seconds: float) -> datetime:
        """Return the moment so many seconds from now."""
        return START + timedelta(seconds=self.s + seconds)


CLOCK = Clock()


@contextmanager
def ticking() -> Iterator[None]:
    """Let the product's code read the model's clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempt, "now", CLOCK.now)
        patch.setattr(firings, "now", CLOCK.now)
        patch.setattr(lease, "now_s", lambda: CLOCK.s)
        patch.setattr(enqueue, "time", CLOCK)
        patch.setattr(late, "datetime", CLOCK)
        yield
