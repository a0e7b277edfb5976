"""The model's clock: nothing in it takes time, and time passes only where the model says so."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tqcli.agent import attempt, lease

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """Seconds since the start of a run; everybody's clock is the same."""

    def __init__(self) -> None:
        """Every run begins at 0."""
        self.s = 0.0

    def now(self) -> datetime:
        """Return the moment."""
        return self.now_plus(0)

    def now_plus(self, seconds: float) -> datetime:
        """Return the moment so many seconds from now."""
        return START + timedelta(seconds=self.s + seconds)


CLOCK = Clock()


@contextmanager
def ticking() -> Iterator[None]:
    """Let the agents' code read the model's clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempt, "now", CLOCK.now)
        patch.setattr(lease, "_now_s", lambda: CLOCK.s)
        yield
