"""One broker, a few agents, and users: what the model acts on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from tests.model.broker import NAMES, ModelBroker, Stored, Stream
from tests.model.clock import CLOCK
from tests.model.fleet import Agent
from tests.model.ledger import Broken, Ledger
from tests.model.link import NOTHING, Fault, ModelLink, Operation, Task
from tests.unit.core.examples import vary
from tqcli.agent.handover import Offer
from tqcli.agent.lease import BEAT_S
from tqcli.client.cancel import cancel
from tqcli.client.submit import make_item
from tqcli.core.ids import JobId, make_group_id
from tqcli.core.outcome import Exited
from tqcli.errors import TqError
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.enqueue import enqueue
from tqcli.jetstream.subjects import split_tail

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.model.fleet import Child
    from tests.model.rules import Rules
    from tqcli.jetstream.link import Message

AGENTS = 3
ROUNDS = 100
"""After so many rounds without faults everything has long come to rest, or never will."""


class World:
    """Everything there is in one run of the model."""

    def __init__(self, rules: Rules) -> None:
        """Agents wait for jobs; it is 0 o'clock."""
        CLOCK.s = 0.0
        self.rules = rules
        self.ledger = Ledger(self._is_well)
        self.broker = ModelBroker(self.ledger.write)
        self._links: list[ModelLink] = []
        self._tasks: list[Task] = []
        self._ready: list[Task] = []
        self.agents = [Agent(self, f"agent-{number}") for number in range(AGENTS)]

    # tasks --------------------------------------------------------------------------------------------------------

    def open_link(self) -> ModelLink:
        """Return a connection of its own."""
        link = ModelLink(self)
        self._links.append(link)
        return link

    def spawn(self, coroutine: Coroutine[Any, Any, object], *, node: object = None) -> Task:
        """Have a task begin."""
        task = Task(coroutine, self._ready, node=node)
        self._tasks.append(task)
        return task

    def kill_tasks(self, agent: Agent) -> None:
        """End all tasks of an agent where they are."""
        for task in self._tasks:
            if task.node is agent:
                task.kill()

    def close(self) -> None:
        """End all tasks where they are: a promise may have been broken before they began."""
        for task in self._tasks:
            task.kill()

    def run_ready(self) -> None:
        """Take all tasks to their next operation that wait for none."""
        frozen = []
        while self._ready:
            task = self._ready.pop(0)
            if self._is_frozen(task):
                frozen.append(task)
            elif not task.over:
                task.resume()
        self._ready += frozen

    @property
    def waiting(self) -> list[Task]:
        """The tasks whose operation may have its fate now."""
        self._tasks = [task for task in self._tasks if not task.over]
        return [task for task in self._tasks if task.waits_for is not None and not self._is_frozen(task)]

    def advance(self, task: Task, fault: Fault, times: int) -> None:
        """Let some operations of one task have the same fate."""
        for _ in range(times):
            if task.waits_for is None:
                return
            task.advance(fault)
            self.run_ready()

    def advance_all(self) -> None:
        """Let everything happen that waits, without a fault."""
        while waiting := self.waiting:
            for task in waiting:
                self.advance(task, Fault.NONE, 1)

    @staticmethod
    def _is_frozen(task: Task) -> bool:
        return isinstance(task.node, Agent) and task.node.frozen

    # operations ---------------------------------------------------------------------------------------------------

    def perform(self, operation: Operation) -> Message:
        """Let an operation happen; see `Network`."""
        subject = operation.subject
        if subject.startswith(HOLDER):
            return self._offer(subject.removeprefix(HOLDER), operation)
        if subject.startswith(CANCEL):
            for agent in self.agents:
                agent.tell_cancelled(subject)
            return NOTHING
        return self.broker.handle(subject, operation.body, operation.headers)

    def fail(self, operation: Operation) -> None:
        """Take note of an operation that has a fault; see `Network`."""
        if operation.subject.startswith(HOLDER):
            self.ledger.miss_offer(msgspec.json.decode(operation.body, type=Offer).group)

    def _offer(self, name: str, operation: Operation) -> Message:
        try:
            return next(agent for agent in self.agents if agent.name == name).offer(operation.body)
        except TqError:
            self.fail(operation)
            raise

    def _is_well(self, claim: str) -> bool:
        held = (attempt for agent in self.agents if not agent.frozen for attempt in agent.attempts)
        return any(str(attempt.claim) == claim for attempt in held)

    # what the model does ------------------------------------------------------------------------------------------

    def submit(self, *, retries: int, max_losses: int, backoff: str, expires: bool, delayed: bool) -> None:
        """Have a user submit a job."""
        now = CLOCK.now()
        spec = vary(
            group=make_group_id(now, len(self.ledger.specs)),
            submitted_at=now,
            retries=retries,
            max_losses=max_losses,
            backoff=backoff,
            not_before=CLOCK.now_plus(4) if delayed else None,
            expires_at=CLOCK.now_plus(6) if expires else None,
        )
        self.ledger.specs[spec.group] = spec
        broker = Broker(cast("Any", self.open_link()), NAMES)
        self.ledger.submits[spec.group] = self.spawn(enqueue(broker, make_item(NAMES, spec)))

    def cancel(self, job: str) -> None:
        """Have a user cancel a job."""
        self.spawn(self._cancel(job))

    async def _cancel(self, job: str) -> None:
        await cancel(Broker(cast("Any", self.open_link()), NAMES), JobId(job))
        self.ledger.confirm_cancel(job)

    @property
    def deliverable(self) -> list[tuple[Stream, Stored]]:
        """What an agent may get now."""
        return [(stream, message) for stream in (self.broker.jobs, self.broker.firings) for message in stream.free]

    def deliver(self, stream: Stream, message: Stored, agent: Agent) -> None:
        """Hand a message to an agent."""
        if message.count and not message.given_back:
            self.ledger.disturb(split_tail(message.subject)[0])
        self.ledger.delivered += 1
        agent.take(stream.deliver(message, self.ledger.delivered))
        self.run_ready()

    @property
    def children(self) -> list[Child]:
        """What runs, on agents that can see it end."""
        return [child for agent in self.agents if not agent.frozen for child in agent.children if child.alive]

    def pass_time(self, seconds: float, *, confirming: bool, again: bool) -> None:
        """Let time pass; with `confirming` the agents can keep their leases, with `again` timers fire twice."""
        end = CLOCK.s + seconds
        while CLOCK.s < end:
            CLOCK.s = min(end, CLOCK.s + BEAT_S)
            for agent in self.agents:
                if agent.alive and not agent.frozen:
                    self._live(agent, confirming=confirming)
        for link in self._links:
            link.arrive()
        self.broker.fire_due(again=again)
        self.run_ready()

    def _live(self, agent: Agent, *, confirming: bool) -> None:
        agent.outlive()
        if not confirming:
            agent.mark_beat()
            return
        before = set(self._tasks)
        agent.beat()
        self.run_ready()
        for task in self._tasks:
            if task not in before:
                self.advance(task, Fault.NONE, 10)

    def revive(self, agent: Agent) -> None:
        """Start an agent again, under its old name."""
        self.agents[self.agents.index(agent)] = Agent(self, agent.name)

    def restart_broker(self, *, counts_too: bool) -> None:
        """Restart the broker."""
        self.broker.restart(counts_too=counts_too)
        self.ledger.disturb()
        for agent in self.agents:
            agent.leases.doubt()  # as each does when it is back

    # the end ------------------------------------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """Let everything end without any more trouble.

        Raises:
            Broken: something does not end.
        """
        for agent in self.agents:
            if not agent.alive:
                self.revive(agent)
            agent.thaw()
        for _ in range(ROUNDS):
            self.run_ready()
            self.advance_all()
            for child in self.children:
                child.end(Exited(0))
            for place in self.deliverable:
                self.deliver(*place, self.agents[0])
            self.run_ready()
            if not (self.waiting or self.broker.jobs.messages or self.broker.firings.messages or self.broker.timers):
                return
            self.pass_time(3, confirming=True, again=False)
        msg = "all comes to rest"
        raise Broken(msg)


HOLDER = NAMES.holder("")
CANCEL = NAMES.cancel("", "").rstrip(".") + "."
