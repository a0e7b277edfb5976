"""The long storm: `python -m tests.chaos --minutes N --seed S` says what it does, and what came of it."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from tests.chaos.faults import make_plan
from tests.chaos.storm import HOSTS, rage
from tests.chaos.table import make_table


def main() -> int:
    """Run it; return 0 where nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--keep", type=Path, help="a folder for the ledger and the agents' logs")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="tq-chaos-"))
    folder.mkdir(exist_ok=True)
    seconds = options.minutes * 60
    print(f"seed {options.seed}, {options.minutes:g} minutes, {HOSTS} agents; ledger and logs in {folder}", flush=True)
    verdict = rage(folder, seed=options.seed, seconds=seconds, say=lambda text: print(text, flush=True))
    print()
    print(make_table(verdict, make_plan(options.seed, hosts=HOSTS, seconds=seconds), seed=options.seed))
    for line in verdict.wrong:
        print(line)
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
