"""The table that the long storm prints, as the README has it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.chaos.faults import SORTS

if TYPE_CHECKING:
    from tests.chaos.faults import Fault
    from tests.chaos.judge import Verdict


def make_table(verdict: Verdict, plan: list[Fault], *, seed: int) -> str:
    """Return the table, in Markdown."""
    drawn = Counter(fault.name for fault in plan)
    faults = ", ".join(f"{drawn[sort.name]} × {sort.name}" for sort in SORTS if drawn[sort.name])
    jobs = f"{verdict.accepted:,} accepted, {verdict.unknown:,} unknown, {verdict.rejected:,} rejected"
    rows = [
        ("seed", seed),
        ("faults", f"{len(plan):,}: {faults}"),
        ("jobs", jobs),
        ("runs", f"{verdict.runs:,}, of which {verdict.killed_runs:,} were killed with their agent"),
        ("the slowest of these to run again", f"after {verdict.slowest_again_s:.1f} s of calm"),
        (
            "planned times of schedules",
            f"{verdict.planned:,}; begun p50 {verdict.half_s:.2f} s, p99 {verdict.most_s:.1f} s after their time",
        ),
        ("**lost**", len(verdict.lost)),
        ("**missed**", len(verdict.missed)),
        ("**doubled**", len(verdict.doubled)),
        ("**early**", len(verdict.early)),
        ("**late**", len(verdict.late)),
        ("**left over**", len(verdict.left_over)),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
