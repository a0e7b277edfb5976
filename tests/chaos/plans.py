"""Schedules in the storm: three that run every few seconds, whatever comes down on agents, server and lines.

Each run writes its planned time into a file of its own, and nothing else is believed: a planned time that is not in
there was *missed*, one that is in there with two jobs was *doubled*. A job whose agent was killed may have begun twice.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tests.support.schedules import START, TEMPLATE
from tqcli.client.schedules import add_schedule, list_schedules
from tqcli.core.schedules.planning import phase
from tqcli.core.schedules.rule import EveryRule, planned_between
from tqcli.core.schedules.schedule import Definition, make_template
from tqcli.core.spec import Shell

if TYPE_CHECKING:
    from tests.chaos.world import World
    from tqcli.core.schedules.schedule import Schedule

EVERY_S = {"plan-a": 1, "plan-b": 1, "plan-c": 3}
LATEST_S = 2.0
"""The last planned time comes so long before the storm's end."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of planned times: `late_s` is by how much each began after its time, in order."""

    planned: int
    missed: list[str]
    doubled: list[str]
    late_s: list[float]


class Plans:
    """The storm's schedules."""

    def __init__(self, world: World, seconds: float) -> None:
        """Prepare; `define` makes them, for a storm of so many seconds."""
        self._stage = world.stage
        self._path = world.folder / "plans"
        self._path.touch()
        self._until = datetime.now(UTC) + timedelta(seconds=seconds - LATEST_S)
        self._schedules: list[Schedule] = []

    def define(self) -> None:
        """Define them: every planned time is to run, however late."""
        line = f'echo "$TQ_SCHEDULE $TQ_SCHEDULED_AT $TQ_JOB_ID $(date +%s.%N)" >> {self._path}; sync {self._path}'
        template = make_template(msgspec.structs.replace(TEMPLATE, work=Shell((line,), line=True)))
        for name, every_s in EVERY_S.items():
            rule = EveryRule(every=timedelta(seconds=every_s), start=START)
            definition = Definition(
                name=name, rule=rule, template=template, overlap="allow", catch_up="all:1000", until=self._until
            )
            self._schedules.append(self._stage.run(add_schedule(self._stage.broker, definition, replace=False)))

    def are_over(self) -> bool:
        """Return whether no more runs follow.

        Raises:
            TqError: the broker does not answer.
        """
        listed = self._stage.run(list_schedules(self._stage.broker)).schedules
        return all(phase(one) == "finished" for one in listed)

    def judge(self) -> Outcome:
        """Return what became of all planned times."""
        return compare(self._schedules, self._until, self._path.read_text())


def compare(schedules: list[Schedule], until: datetime, written: str) -> Outcome:
    """Return what became of the planned times up to `until`, by what the runs wrote."""
    jobs: dict[tuple[str, datetime], set[str]] = defaultdict(set)
    begun: dict[str, float] = {}
    for line in written.splitlines():
        name, planned, job, at = line.split()
        jobs[name, datetime.fromisoformat(planned)].add(job)
        begun.setdefault(job, float(at))
    wanted = [
        (one.name, planned)
        for one in schedules
        for planned in planned_between(one.definition.rule, one.defined_at, until)
    ]
    known = set(wanted)
    late_s = [begun[min(found)] - planned.timestamp() for (_, planned), found in jobs.items()]
    return Outcome(
        planned=len(wanted),
        missed=[f"{name} at {planned.isoformat()}" for name, planned in wanted if (name, planned) not in jobs],
        doubled=[
            f"{name} at {planned.isoformat()}: jobs {', '.join(sorted(found))}"
            for (name, planned), found in jobs.items()
            if len(found) > 1 or (name, planned) not in known
        ],
        late_s=sorted(late_s),
    )
