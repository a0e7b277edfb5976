"""The clock of leases."""

from __future__ import annotations

import time


def now_s() -> float:
    """Return seconds of a clock that goes on while this process is stopped, and while the host sleeps: as the server's.

    Source: clock_gettime(2), CLOCK_BOOTTIME.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)
