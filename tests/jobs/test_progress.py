"""Lines for whoever follows a job."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobs._progress import say

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]


def test_name_that_is_no_text_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """File names are bytes; no job fails for one that it only mentions."""
    say("removed " + os.fsdecode(b"gr\xf6\xdfe"))
    assert capsys.readouterr().out == "removed gr\\udcf6\\udcdfe\n"


def test_stdout_that_is_ascii_gets_ascii() -> None:
    """As on an agent without a locale."""
    done = subprocess.run(
        [sys.executable, "-c", "from jobs._progress import say; say('größe')"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"gr\\xf6\\xdfe\n"
