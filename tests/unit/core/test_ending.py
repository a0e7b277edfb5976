"""How a job ended, in words."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.core.examples import PLAIN
from tqcli.core.ending import describe_end
from tqcli.core.job import describe
from tqcli.core.outcome import Failure
from tqcli.core.state import Reason, State


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": State.SUCCEEDED}, "succeeded"),
        ({"state": State.CANCELLED}, "cancelled"),
        ({"state": State.RUNNING}, "running"),
        ({"reason": Reason.EXIT, "exit_code": 3}, "failed with exit code 3"),
        ({"reason": Reason.SIGNAL, "signal": 9}, "failed: ended by SIGKILL (9)"),
        ({"reason": Reason.SIGNAL, "signal": 99}, "failed: ended by signal 99"),
        ({"reason": Reason.TIMEOUT}, "failed: timed out"),
        ({"reason": Reason.NOT_STARTED, "exit_code": 127}, "failed: could not be started (127)"),
        ({"reason": Reason.LOST}, "failed: lost with its agents"),
        ({"reason": Reason.REJECTED}, "failed: rejected"),
        ({"reason": Reason.ERROR, "error": Failure("ValueError", "no\nreally")}, "failed: ValueError: no"),
        ({"reason": Reason.ERROR, "error": Failure("KeyError", "")}, "failed: KeyError"),
        ({"reason": Reason.ERROR, "error": Failure("E", "x" * 100)}, f"failed: E: {'x' * 100}"),
        ({"reason": Reason.ERROR}, "failed: an error"),
        ({}, "failed"),
    ],
)
def test_end_is_told_in_a_few_words(fields: dict[str, object], words: str) -> None:
    """Whatever is known of it."""
    job = msgspec.structs.replace(describe(PLAIN, None), **{"state": State.FAILED} | fields)
    assert describe_end(job) == words
