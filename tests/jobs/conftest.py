"""Marks that the tests of the ready-made jobs use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of tests that need the whole command, server and agent included."""
    config.addinivalue_line("markers", "product: through the real command; needs `tq up`")
