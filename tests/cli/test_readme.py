"""The README tells the truth: its tables are those of the code, its commands do what it shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.readme import README, ROOT, rewrite
from tests.support.tq import Tq

if TYPE_CHECKING:
    from pathlib import Path

TEXT = README.read_text()
CONSOLE = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
PYTHON = re.findall(r"```python\n# (\S+)\n(.*?)```", TEXT, re.DOTALL)
"""Files, by the name in their first line."""


def test_tables_are_those_of_the_code() -> None:
    """States, exit codes and layers: `python -m tests.support.readme` writes them anew."""
    assert rewrite(TEXT) == TEXT


def test_ci_runs_the_readmes_test_command() -> None:
    """What a reader is told to type is what CI types."""
    assert "-m tests.check" in (ROOT / ".ci" / "run").read_text()
    assert ".venv/bin/pip install --quiet -e '.[test]' && .venv/bin/python -m tests.check" in TEXT


def matches(shown: str, real: str) -> bool:
    """Return whether real output is what is shown: `…` stands for anything, and columns may be wider or narrower."""
    shown, real = (re.sub(" +", " ", text) for text in (shown, real))
    return re.fullmatch(".*?".join(map(re.escape, shown.split("…"))), real, re.DOTALL) is not None


@pytest.mark.timeout(120)
def test_every_command_does_what_is_shown(tmp_path: Path) -> None:
    """All console blocks in order, in one shell, from a fresh state, beside the files that the README shows."""
    tq = Tq(tmp_path)
    for name, text in PYTHON:
        (tmp_path / name).write_text(f"\n{text}")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tq").write_text(f'#!/bin/sh\nexec {sys.executable} -m tqcli "$@"\n')
    (tmp_path / "bin" / "tq").chmod(0o755)
    env = tq.env | {"PATH": f"{tmp_path / 'bin'}:{tq.env['PATH']}"}
    try:
        for block in CONSOLE:
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
                ran = subprocess.run(
                    ["bash", "-c", command],
                    env=env,
                    cwd=tmp_path,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=60,
                    check=False,
                )
                assert matches(shown, ran.stdout.decode()), f"$ {command}\n{ran.stdout.decode()}"
    finally:
        tq("down")


@pytest.mark.real_input
@pytest.mark.timeout(300)
def test_a_fresh_clone_runs_its_first_job(tmp_path: Path) -> None:
    """The README's first command, as it stands, in a clone with nothing installed."""
    (command,) = re.findall(r"^(python3 -m venv .*tq run -- echo hello)$", TEXT, re.MULTILINE)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, files.split("\0")):
        if (ROOT / name).exists():
            (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / "clone" / name)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("TQ_", "PYTHON", "VIRTUAL"))}
    env |= {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    ran = subprocess.run(
        ["bash", "-c", command.replace("python3 ", f"{sys.executable} ", 1)],
        cwd=tmp_path / "clone",
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=280,
        check=False,
    )
    assert (ran.stdout, ran.returncode) == (b"hello\n", 0), ran.stderr.decode()
