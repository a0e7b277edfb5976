"""The parts of README.md that the code knows: `python -m tests.support.readme` writes them anew, a test compares."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tqcli import errors
from tqcli.core.state import FINAL, MOVES, State

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
LATER = {State.BLOCKED}
"""States of the wire that no command of this release leads to."""


def states() -> str:
    """Return the table of moves."""
    rows = ["| from | to |", "|---|---|"]
    for old, targets in MOVES.items():
        if old not in LATER and old not in FINAL:
            listed = [str(state) for state in State if state in targets and state is not old]
            rows.append(f"| {old} | {', '.join(listed)} |")
    return "\n".join(rows)


def exit_codes() -> str:
    """Return the table of exit codes."""
    raised = [kind for kind in errors.TqError.__subclasses__() if kind is not errors.NoResult]
    kinds = {kind.exit_code: (kind.__doc__ or "").strip() for kind in raised}
    kinds[errors.TqError.exit_code] = "Anything else: stdout can't be written, a bug in tq."
    own = "1–123 as the command ended, 1 for a Python exception, 126 not executable, 127 not found, 128+n by signal n"
    rows = [
        "| code | means |",
        "|---|---|",
        "| 0 | done; of run and wait: the job succeeded |",
        f"| the job's own | of run, wait and `submit --wait`: {own} |",
        *(f"| {code} | {text} |" for code, text in sorted(kinds.items())),
        "| 124 | the job ran out of time or expired, or `wait --timeout` did |",
        "| 130 | cancelled, or Ctrl-C |",
    ]
    return "\n".join(rows)


def layers() -> str:
    """Return the picture of the layers, as pyproject.toml has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    there = {path.stem if path.suffix else path.name for path in (ROOT / "tqcli").iterdir()}
    lines = []
    for row in rows:
        names = [name.strip("() ").removeprefix("tqcli.") for name in row.split("|")]
        if shown := [name for name in names if name in there]:
            lines.append(" | ".join(f"{name:^9}" for name in shown).center(60).rstrip())
    return "\n".join(["```text", *lines, "```"])


def rewrite(text: str) -> str:
    """Return the README's text with each part between its marks as the code has it."""
    for name, make in (("states", states), ("exit codes", exit_codes), ("layers", layers)):
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        assert pattern.search(text), f"README.md has no part {name!r}"
        made = make().replace("\\", "\\\\")
        text = pattern.sub(rf"\1{made}\n\2", text)
    return text


if __name__ == "__main__":
    README.write_text(rewrite(README.read_text()))
