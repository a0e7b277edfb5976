"""What every test shares."""

from __future__ import annotations

from hypothesis import settings

# A slow machine is no failure: the suite's own timeout catches what hangs.
settings.register_profile("tq", deadline=None, max_examples=100)
settings.load_profile("tq")
