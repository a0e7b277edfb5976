"""The ledger: what really ran, in the jobs' own words."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from tqcli.core.spec import Shell

JOB = Path(__file__).with_name("job.py")


class Run(msgspec.Struct):
    """One run of a job; times are seconds since 1970. One that was killed has no end."""

    job: str
    attempt: int
    claim: str
    agent: str
    pid: int
    started_at: float
    ended_at: float | None = None
    code: int | None = None


class Ledger:
    """A file to which jobs append."""

    def __init__(self, folder: Path) -> None:
        """Make an empty one."""
        self.path = folder / "ledger"
        self.path.touch()

    def work(self, **options: float) -> Shell:
        """Return a job's command that writes here; see `tests.chaos.job` for the options."""
        settings = (f"{key}={value}" for key, value in options.items())
        return Shell((sys.executable, "-I", "-S", str(JOB), str(self.path), *settings))

    def brief_work(self) -> Shell:
        """Return a command that does no more than write here that it ran, in a few milliseconds."""
        line = 'at="$TQ_JOB_ID $TQ_ATTEMPT $TQ_CLAIM - $$ $(date +%s.%N)"; '
        return Shell(
            (f'{line}printf \'start %s\\nend %s 0\\n\' "$at" "$at" >> {self.path}; sync {self.path}',), line=True
        )

    def read(self) -> list[Run]:
        """Return all runs so far, in the order they began."""
        runs: dict[tuple[str, str], Run] = {}
        for line in self.path.read_text().splitlines():
            word, job, attempt, claim, agent, pid, at, *code = line.split()
            if word == "start":
                runs[claim, attempt] = Run(job, int(attempt), claim, agent, int(pid), float(at))
            else:
                run = runs[claim, attempt]
                run.ended_at, run.code = float(at), int(code[0])
        return list(runs.values())
