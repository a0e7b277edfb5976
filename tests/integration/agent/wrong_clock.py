"""An agent on a host whose clock is wrong by TEST_CLOCK_HOURS: as `python -m tqcli.agent`."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

from tqcli.agent import attempt, desk, firings, service
from tqcli.agent.__main__ import main

WRONG = timedelta(hours=float(os.environ.get("TEST_CLOCK_HOURS", "0")))


def now() -> datetime:
    """Return the time that this host would show."""
    return datetime.now(UTC) + WRONG


if __name__ == "__main__":
    for module in (attempt, desk, firings, service):
        vars(module)["now"] = now
    sys.exit(main())
