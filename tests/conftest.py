"""What every test shares."""

from __future__ import annotations

import signal

from hypothesis import settings

# A slow machine is no failure: the suite's own timeout catches what hangs.
settings.register_profile("tq", deadline=None, max_examples=100)
settings.load_profile("tq")

# Started in the background of a script the suite inherits that SIGINT is ignored, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
