"""`python -m tests.model --runs N [--seed S]`: run the model for longer than the suite does."""

from __future__ import annotations

import argparse

from tests.model.machine import run


def main() -> None:
    """Run it; a broken promise ends in its story and a traceback."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    run(arguments.runs, number=arguments.seed)


if __name__ == "__main__":
    main()
