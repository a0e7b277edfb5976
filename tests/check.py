"""Every check in one: `python -m tests.check [-- PYTEST ARGUMENTS]`.

Runs them all, prints a line for each and the output of those that fail, and exits with the code of the first that did.
The tests run four at a time; after them, two at a time, those marked `mortal`, whose agents die and which bear only
their like beside them; at last those marked `alone`, which need the host for themselves.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
_CODE = ("tqcli", "tests", "jobs")
_TOGETHER = ("--numprocesses=4", "--dist=worksteal")
"""Most tests wait for processes more than they compute, so four at a time fit on two cores."""
_NOTHING_CHOSEN = 5
"""What pytest exits with where the arguments choose none of its tests."""


def main(arguments: list[str]) -> int:
    """Return 0 where every check passed, else the first failure's exit code."""
    if arguments and arguments[0] != "--":
        print(f"usage: python -m tests.check [-- PYTEST ARGUMENTS], not {arguments[0]!r}", file=sys.stderr)
        return 2
    codes = [
        _run("format", _BIN / "ruff", "format", "--check", *_CODE),
        _run("lint", _BIN / "ruff", "check", *_CODE),
        _run("types", _BIN / "mypy"),
        _run("imports", _BIN / "lint-imports", "--no-logo"),
        _test("tests", *_TOGETHER, "-m", "not alone and not mortal", *arguments[1:]),
        _test("mortal", "--numprocesses=2", "-m", "mortal", *arguments[1:]),
        _test("alone", "-m", "alone", *arguments[1:]),
    ]
    return next((code for code in codes if code), 0)


def _test(name: str, *arguments: str) -> int:
    code = _run(name, sys.executable, "-m", "pytest", *arguments, shown=True)
    return 0 if code == _NOTHING_CHOSEN else code


def _run(name: str, *command: str | Path, shown: bool = False) -> int:
    """Run one check, its output shown at once or only if it fails; return its exit code."""
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, check=False, stdout=None if shown else subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode and done.stdout:
        sys.stdout.write(done.stdout.decode(errors="replace"))
    verdict = f"failed ({done.returncode})" if done.returncode else "passed"
    print(f"{name:8} {verdict} in {time.monotonic() - started:.1f} s", flush=True)
    # A check that a signal ended has a negative code, which a shell could not show.
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
