"""What the tests of the command line share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.tq import Tq

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def tq(tmp_path: Path) -> Iterator[Tq]:
    """Give a `tq` of its own; a server that it left in the background is taken down."""
    home = tmp_path / "home"
    home.mkdir()
    command = Tq(home)
    yield command
    if (command.state / "server.json").exists():
        command("down")
