"""An agent that starts sweeps what a dead one left, and nothing that has a runner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tqcli.process.stop import CLAIM_VARIABLE, RUNNER_COMM, is_stray, kill_strays

pytestmark = pytest.mark.alone
CHURN = "import subprocess\nwhile True: subprocess.run(['sh', '-c', 'sh -c true & sh -c true; wait'])"
RUNNER = f"""
import ctypes, subprocess, sys
ctypes.CDLL(None).prctl(15, b"tq-runner", 0, 0, 0)
subprocess.run([sys.executable, "-c", {CHURN!r}])
"""


def test_a_busy_job_with_a_runner_is_never_taken_for_a_stray() -> None:
    """However fast its processes come and go while we look."""
    env = os.environ | {CLAIM_VARIABLE: "1.test"}
    with subprocess.Popen([sys.executable, "-c", RUNNER], env=env, start_new_session=True) as runner:
        try:
            name = Path(f"/proc/{runner.pid}/comm")
            eventually(lambda: name.read_bytes() == RUNNER_COMM, 10)
            assert [kill_strays() for _ in range(400)] == [0] * 400
            assert runner.poll() is None
            assert not is_stray(runner.pid)
        finally:
            os.killpg(runner.pid, 9)


def test_a_process_without_a_runner_is_a_stray() -> None:
    """This one's ancestors are those of the tests."""
    assert is_stray(os.getpid())


def test_a_process_that_ends_while_we_look_proves_nothing() -> None:
    """Whose its children are now is for the next look: they are not taken for strays."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert not is_stray(process.pid)
