"""Whole programs that submit functions, as a user's first ones do."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.tq import PATIENCE_S, ROOT, Tq

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import os
import sys
from dataclasses import dataclass

from tqcli import Client, JobFailed, job


@dataclass
class Order:
    number: int


class Busy(Exception):
    pass


@job(retries=1, backoff="none", retry_on=Busy)
def double(order: Order) -> Order:
    if os.environ["TQ_ATTEMPT"] == "1":
        raise Busy
    return Order(order.number * 2)


@job
def ask_again():
    return Order(ask.submit().result(20).number + 1)


@job
def ask():
    return Order(1)


def fork() -> None:
    pid = os.fork()
    if not pid:
        print("child:", double.submit(Order(3)).result(20), flush=True)
        sys.exit(7)
    print("child ended:", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    assert double.submit(Order(2)).result(20) == Order(4)
    fork()
    print("parent:", double.submit(Order(4)).result(20))
    print("jobs of jobs:", ask_again.submit().result(20))
"""


def run(tq: Tq, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a directory with the environment of this `tq`."""
    command = [sys.executable, "-X", "dev", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=tq.env, capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False
    )


@pytest.mark.usefixtures("agent")
@pytest.mark.timeout(120)
def test_script_is_a_module_for_its_own_jobs(staged_tq: Tq, tmp_path: Path) -> None:
    """Its functions, classes and exceptions; also in a fork's child, and in jobs that submit jobs. It ends cleanly."""
    (tmp_path / "script.py").write_text(SCRIPT)
    done = run(staged_tq, "script.py", cwd=tmp_path)
    lines = ["child: Order(number=6)", "child ended: 7", "parent: Order(number=8)", "jobs of jobs: Order(number=2)"]
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, lines, "")


@pytest.mark.usefixtures("agent")
def test_script_without_a_guard_is_told_what_to_do(staged_tq: Tq, tmp_path: Path) -> None:
    """Its job imports it, and would submit another one, without end."""
    (tmp_path / "bare.py").write_text("from tqcli import job\n@job\ndef f(): pass\nf.submit().result(20)\n")
    done = run(staged_tq, "bare.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "InvalidInput: bare submits a job while it is imported, by a job: that would never end" in done.stderr
    assert 'hint: put what a script does by itself below `if __name__ == "__main__":`' in done.stderr


def test_prompt_is_no_place_for_a_job(staged_tq: Tq, tmp_path: Path) -> None:
    """No other process can import what was typed into it."""
    done = run(staged_tq, "-c", "from tqcli import job\ndef f(): pass\njob(f).submit()", cwd=tmp_path)
    assert done.stderr.endswith(
        "InvalidInput: no other process can import what was defined in a prompt or a notebook\n"
        "hint: put the function into a file of its own, and import it from there\n"
    )


def test_without_settings_there_is_a_broker_for_the_life_of_the_program(tmp_path: Path) -> None:
    """With an agent; nothing of it is left."""
    tq = Tq(tmp_path / "home", {"PYTHONPATH": str(ROOT)})
    tq.home.mkdir()
    (tmp_path / "tasks.py").write_text("from tqcli import job\n@job\ndef add(a, b): return a + b\n")
    done = run(tq, "-c", "import tasks; print(tasks.add.submit(2, 3).result(60))", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("5\n", "", 0)
    assert tq("down").text.endswith("nothing was up")
