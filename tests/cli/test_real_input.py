"""The README's examples on real data: checksums of a standard library; somebody else's package, built and tested."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.eventually import eventually
from tests.support.readme import README
from tests.support.tq import Tq

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real_input


@pytest.fixture
def tq(tmp_path: Path) -> Tq:
    """Return a tq whose PATH has it, as an installed one's has."""
    shim = tmp_path / "bin" / "tq"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m tqcli "$@"\n')
    shim.chmod(0o755)
    tq = Tq(tmp_path)
    tq.env["PATH"] = f"{shim.parent}:{tq.env['PATH']}"
    return tq


def run_script(tq: Tq, script: str, cwd: Path, *, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Return how a shell script of the README ended."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env=tq.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def find_script(word: str) -> str:
    """Return the README's only shell block with this word."""
    scripts: list[str] = [
        block for block in re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL) if word in block
    ]
    assert len(scripts) == 1
    return scripts[0]


@pytest.mark.timeout(240)
def test_checksums_of_the_standard_library_over_two_agents(tq: Tq, tmp_path: Path) -> None:
    """1,500 files and more: the joined logs equal what one loop prints, byte for byte."""
    with ExitStack() as stack:
        stack.callback(tq, "down")
        assert tq("up", timeout_s=60).code == 0
        second = stack.enter_context(tq.start("agent", "--name", "second"))
        stack.callback(second.terminate)
        eventually(lambda: tq("agents", "--json").stdout.count(b'"name"') == 2, 20)
        script = find_script("sha256sum").replace("/tmp/", f"{tmp_path}/")  # noqa: S108 - the README's own words
        done = run_script(tq, script, tmp_path, timeout_s=200)
        assert done.returncode == 0, done.stdout + done.stderr
        ran_on = set(re.findall(rb'"agent":"([^"]*)"', tq("ls", "--limit", "2000", "--json").stdout))
    sums = (tmp_path / "sums").read_text().splitlines()
    files = sum(len(names) for *_, names in os.walk(sysconfig.get_path("stdlib")))
    assert 1500 <= len(sums) <= files
    assert len(ran_on) == 2, ran_on


@pytest.mark.timeout(240)
def test_a_package_is_built_and_tested_by_exit_codes_alone(tq: Tq, tmp_path: Path) -> None:
    """An sdist, unpacked, compiled and tested as three jobs; a step that fails stops the script."""
    script = find_script("simplejson")
    tq.env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    tq.env |= {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    done = run_script(tq, script, tmp_path, timeout_s=220)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Ran \d+ tests", done.stdout + done.stderr)
    assert "simplejson" not in str(list(tmp_path.iterdir()))
    broken = script.replace("setup.py", "no-such-setup.py")
    stopped = run_script(tq, broken, tmp_path, timeout_s=120)
    assert stopped.returncode != 0
    assert "Ran " not in stopped.stdout + stopped.stderr
