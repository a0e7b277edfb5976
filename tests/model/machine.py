"""The state machine: hypothesis draws what happens, and looks for a story in which a promise breaks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

from hypothesis import HealthCheck, Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.model.clock import ticking
from tests.model.link import Fault
from tests.model.rules import Rules
from tests.model.world import World
from tqcli.core.outcome import Exited, Signalled
from tqcli.process.child import RunnerLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.process.child import How

CHAPTERS = 2
EVENTS = 18
"""In one chapter. Hypothesis takes longer to draw than tq to act, so a chapter is one draw of three bytes for each
event: what happens, and two bytes that say to whom and how."""

JOBS = 3
FAULTS = (*[Fault.NONE] * 3, *Fault)
TIMES = (1, 1, 1, 2, 3, 30)
ENDINGS: tuple[How, ...] = (Exited(0), *[Exited(1)] * 4, Signalled(9), RunnerLost("killed"))
SECONDS = (1, 3, 9)


class Machine(RuleBasedStateMachine):
    """A run of the model: chapters of events, and then all is left to end."""

    kept: ClassVar[Rules] = Rules()

    def __init__(self) -> None:
        """Begin with an empty world."""
        super().__init__()
        self.world = World(self.kept)

    @rule(events=st.binary(min_size=3 * EVENTS, max_size=3 * EVENTS))
    def chapter(self, events: bytes) -> None:
        """Let these events happen, one after the other."""
        story: list[str] = []
        try:
            for number in range(0, len(events), 3):
                what, who, how = events[number : number + 3]
                event = KINDS[what % len(KINDS)]
                line = f"    {event.__name__}({who}, {how})"
                if event is not Machine.advance_all or story[-1:] != [line]:
                    story.append(line)
                event(self, who, how)
                self.world.run_ready()
        finally:
            note("\n".join(story))

    def teardown(self) -> None:
        """All is left to end, and judged."""
        try:
            if sys.exc_info()[0] is None:
                self.world.come_to_rest()
                self.world.ledger.close()
        finally:
            self.world.close()

    # events: what comes first in a byte is the simplest, for the shortest story to be told ------------------------

    def advance_all(self, _who: int, _how: int) -> None:
        """Everything happens that waits."""
        self.world.advance_all()

    def submit(self, who: int, how: int) -> None:
        """Somebody submits a job."""
        if len(self.world.ledger.specs) < JOBS:
            self.world.submit(
                retries=who % 3,
                max_losses=who // 3 % 3,
                backoff=("fixed:3s", "none")[who // 9 % 2],
                expires=who // 18 % 6 == 5,
                delayed=how % 4 == 3,
            )

    def advance(self, who: int, how: int) -> None:
        """An operation, or several of a task, have their fate."""
        if waiting := self.world.waiting:
            task = waiting[who % len(waiting)]
            self.world.advance(task, FAULTS[how % len(FAULTS)], TIMES[how // len(FAULTS) % len(TIMES)])

    def deliver(self, who: int, how: int) -> None:
        """An agent gets a message."""
        agent = self.world.agents[how % len(self.world.agents)]
        if (deliverable := self.world.deliverable) and agent.alive:
            self.world.deliver(*deliverable[who % len(deliverable)], agent)

    def end_child(self, who: int, how: int) -> None:
        """A child ends by itself, or is killed by others."""
        if children := self.world.children:
            children[who % len(children)].end(ENDINGS[how % len(ENDINGS)])

    def pass_time(self, who: int, how: int) -> None:
        """Time passes."""
        seconds = SECONDS[who % len(SECONDS)]
        self.world.pass_time(seconds, confirming=how % 2 == 0, again=how // 2 % 3 == 2)

    def beat(self, who: int, _how: int) -> None:
        """An agent begins to confirm its leases."""
        agent = self.world.agents[who % len(self.world.agents)]
        if agent.alive and not agent.frozen:
            agent.beat()

    def freeze_or_thaw(self, who: int, _how: int) -> None:
        """An agent stands still, or goes on."""
        agent = self.world.agents[who % len(self.world.agents)]
        if agent.frozen:
            agent.thaw()
        else:
            agent.frozen = agent.alive

    def crash_or_start(self, who: int, _how: int) -> None:
        """An agent is killed, or is started again."""
        agent = self.world.agents[who % len(self.world.agents)]
        if agent.alive:
            agent.crash()
        else:
            self.world.revive(agent)

    def interrupt(self, who: int, _how: int) -> None:
        """An agent has to stop what it runs."""
        agent = self.world.agents[who % len(self.world.agents)]
        if not agent.frozen:
            agent.interrupt()

    def restart(self, _who: int, how: int) -> None:
        """The broker restarts."""
        self.world.restart_broker(counts_too=how % 2 == 1)

    def cancel(self, who: int, _how: int) -> None:
        """Somebody cancels a job."""
        if jobs := list(self.world.ledger.specs):
            self.world.cancel(jobs[who % len(jobs)])


KINDS: tuple[Callable[[Machine, int, int], None], ...] = (
    *[Machine.advance_all] * 3,
    *[Machine.submit] * 2,
    *[Machine.deliver] * 5,
    *[Machine.advance] * 8,
    *[Machine.end_child] * 3,
    *[Machine.pass_time] * 4,
    Machine.beat,
    Machine.freeze_or_thaw,
    Machine.crash_or_start,
    Machine.interrupt,
    Machine.restart,
    Machine.cancel,
)
"""How often each happens, as far as chance goes."""


def run(runs: int, *, number: int, rules: Rules = Rules()) -> None:  # noqa: B008 - it can't change
    """Run the model so many times, with these rules; `number` chooses other stories.

    Raises:
        Broken: a promise of tq is broken; hypothesis has printed the shortest story that it found.
    """

    class Numbered(Machine):
        """The machine with these rules."""

        kept = rules

    profile = settings(
        max_examples=runs,
        stateful_step_count=CHAPTERS,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with ticking():
        run_state_machine_as_test(seed(number)(Numbered), settings=profile)
