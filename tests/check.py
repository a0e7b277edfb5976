"""Every check in one: `python -m tests.check [-- PYTEST ARGUMENTS]`.

Runs them all, prints a line for each and the output of those that fail, and exits with the code of the first that did.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
_CODE = ("tqcli", "tests", "jobs")


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
        _run("tests", sys.executable, "-m", "pytest", *arguments[1:], shown=True),
    ]
    return next((code for code in codes if code), 0)


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
