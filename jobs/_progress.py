"""Lines for whoever follows the job with `tq logs -f`."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Print one line, at once; what stdout can't show is escaped: no job should fail for a name it only mentions."""
    encoding = sys.stdout.encoding or "utf-8"
    shown = text.encode(encoding, errors="backslashreplace").decode(encoding)
    print(shown, flush=True)
