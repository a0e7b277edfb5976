"""A state folder for each test, empty of processes before and after."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.integration.local.folder import await_empty, running_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder, which does not exist yet; end afterwards what a failed test left in it."""
    for name in [name for name in os.environ if name.startswith("TQ_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "state"
    yield folder
    for pid in running_in(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await_empty(folder, 5)
