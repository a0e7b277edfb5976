"""The graph of tq's imports, built once."""

from __future__ import annotations

import grimp
import pytest


@pytest.fixture(scope="session")
def graph() -> grimp.ImportGraph:
    """Return who imports whom, those inside functions and for types included."""
    return grimp.build_graph("tqcli", include_external_packages=True, cache_dir=None)
