"""What a command loads: importing asyncio and nats takes longer than most commands run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TQ = Path(sys.executable).with_name("tq")
HEAVY = {"asyncio", "nats", "rich.table"}
SUBMIT_HEAVY = HEAVY | {"rich", "ssl", "email", "logging", "subprocess", "dataclasses", "tempfile"}
CORE = Path(__file__).parents[2] / "tqcli" / "core"
_LINE = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", re.MULTILINE)


def loaded_by(*arguments: str | Path, home: Path) -> set[str]:
    """Return the modules that Python imports when it is run with these arguments."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
    )
    modules = set(_LINE.findall(done.stderr))
    assert done.returncode == 0, _LINE.sub("", done.stderr).strip()
    return modules


def test_search_sees_what_is_loaded(tmp_path: Path) -> None:
    """A module inside a package is found by its full name."""
    assert {"asyncio", "asyncio.events"} <= loaded_by("-c", "import asyncio", home=tmp_path)


def test_cli_loads_nothing_heavy(tmp_path: Path) -> None:
    """Importing the app is what every command begins with."""
    assert loaded_by("-c", "import tqcli.cli.app", home=tmp_path) & HEAVY == set()


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """`tq --help` is drawn without tables, and knows no broker."""
    assert loaded_by(TQ, "--help", home=tmp_path) & HEAVY == set()


@pytest.mark.parametrize("module", sorted(path.stem for path in CORE.glob("[a-z]*.py")))
def test_core_loads_nothing_heavy(module: str, tmp_path: Path) -> None:
    """The rules are part of every submit."""
    assert loaded_by("-c", f"import tqcli.core.{module}", home=tmp_path) & SUBMIT_HEAVY == set()


def test_submitting_loads_nothing_heavy(tmp_path: Path) -> None:
    """A submit is a socket, a spec and a publish."""
    code = "import tqcli.client.build, tqcli.jetstream.plain, tqcli.jetstream.enqueue"
    assert loaded_by("-c", code, home=tmp_path) & SUBMIT_HEAVY == set()
