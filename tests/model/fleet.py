"""Agents: the product's parts of one, with children that run for as long as the model says."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from tests.model.broker import NAMES
from tests.model.clock import CLOCK
from tests.model.link import Promise, Task
from tests.model.rules import ModelAttempt
from tqcli.agent.control import Control
from tqcli.agent.desk import Desk
from tqcli.agent.execution import Execution, Stop
from tqcli.agent.firings import Firings
from tqcli.agent.handover import answer
from tqcli.agent.lease import Leases
from tqcli.core.outcome import Signalled
from tqcli.errors import TqError, Unavailable, Unknown
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.link import Message, NoResponders
from tqcli.jetstream.records import Write, write_alone
from tqcli.process.child import Ended, NoProcess, RunnerLost

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime

    from tests.model.world import World
    from tqcli.core.spec import Spec
    from tqcli.jetstream.pull import Delivery
    from tqcli.process.child import How
    from tqcli.process.command import Command


STOPPED = Signalled(15)


class Child:
    """A process of a job."""

    def __init__(self, attempt: ModelAttempt, on_long: Callable[[], None]) -> None:
        """It starts."""
        self.attempt = attempt
        self.number = attempt.running
        self.alive = True
        self.how: How | None = None
        self.on_long = on_long
        self.over: Promise[Ended] = Promise()

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself, or was stopped."""
        return not self.alive

    @property
    def given_back(self) -> bool:
        """Whether how it ended says nothing about the job: its runner was killed, or it was stopped."""
        return isinstance(self.how, RunnerLost) or self.how == STOPPED

    def end(self, how: How) -> None:
        """End."""
        if self.alive:
            self.alive, self.how = False, how
            self.over.set_result(Ended(how))

    def stop(self, _grace: object) -> None:
        """End, as one does that listens to SIGTERM."""
        self.end(STOPPED)


class ModelExecution(Execution):
    """The product's execution; only the process is the model's, and it prints nothing."""

    def __init__(self, attempt: ModelAttempt) -> None:
        """Nothing runs yet."""
        super().__init__(attempt.agent.desk)
        self._attempt = attempt

    async def _run_once(self, _spec: Spec, _command: Command, *, log: str, on_long: Callable[[], None]) -> Ended:  # noqa: ARG002
        if self._stopped is not None:
            return Ended(NoProcess("it was stopped before it began"))
        child = Child(self._attempt, on_long)
        self._attempt.agent.children.append(child)
        self._attempt.agent.world.ledger.start(self._attempt, child)
        self._runner = cast("Any", child)
        try:
            return await child.over
        finally:
            self._runner = None
            self._attempt.agent.children.remove(child)

    async def flush(self) -> None:
        """Return: nothing was printed."""


class ModelReporter:
    """Writes records as the product's reporter does, each alone."""

    def __init__(self, agent: Agent) -> None:
        """Its writes are tasks of the agent."""
        self._agent = agent

    def write(self, write: Write) -> Promise[int]:
        """Return the sequence-to-be."""
        written: Promise[int] = Promise()
        self._agent.spawn(self._write(write, written))
        return written

    async def _write(self, write: Write, written: Promise[int]) -> None:
        unsure = False
        while True:
            try:
                written.set_result(await write_alone(self._agent.broker, write, unsure=unsure))
            except (Unknown, Unavailable):
                unsure = True
                await self._agent.broker.link.sleep(0.5)
                continue
            except TqError as error:
                written.set_exception(error)
            return


class ModelClock:
    """The broker's clock, which is everybody's."""

    async def now(self) -> datetime:
        """Return the moment."""
        return CLOCK.now()


class NoIntake:
    """The part of an intake that words to an agent reach: deliveries come from the model."""

    def drop(self, group: str, index: int) -> None:
        """Do nothing: none is held ready."""


class Agent:
    """An agent. Dead, nobody answers for it; frozen, what comes to it waits."""

    def __init__(self, world: World, name: str) -> None:
        """It has just started."""
        self.world = world
        self.name = name
        self.alive, self.frozen = True, False
        self.children: list[Child] = []
        self.attempts: set[ModelAttempt] = set()
        self._inbox: list[Callable[[], object]] = []
        link = cast("Any", world.open_link())
        self.broker = Broker(link, NAMES)
        none = cast("Any", None)  # no log, and no runner: nothing is printed, children are the model's
        reporter = cast("Any", ModelReporter(self))
        clock = cast("Any", ModelClock())
        self.desk = Desk(name, self.broker, reporter, logs=none, runners=none, environment={}, clock=clock)
        self.leases = Leases(self.broker)
        self._firings = Firings(self.broker, link, none)
        self._control = Control(
            link,
            NAMES,
            name,
            attempts=cast("Any", self.attempts),
            intake=cast("Any", NoIntake()),
            on_drain=lambda: None,
        )

    def spawn(self, coroutine: Coroutine[Any, Any, object]) -> Task:
        """Have a task of this agent begin."""
        return self.world.spawn(coroutine, node=self)

    def execute(self, attempt: ModelAttempt) -> ModelExecution:
        """Return what runs this attempt's children."""
        return ModelExecution(attempt)

    # what comes ---------------------------------------------------------------------------------------------------

    def take(self, delivery: Delivery) -> None:
        """Take a delivery."""
        if self.frozen:
            self._inbox.append(lambda: self.take(delivery))
        elif ".job." in delivery.subject:
            self.spawn(self._perform(delivery))
        else:
            self.spawn(self._firings._move(delivery))  # noqa: SLF001 - what its puller calls

    def offer(self, body: bytes) -> Message:
        """Answer another agent that got what may be ours.

        Raises:
            NoResponders: this one is dead.
            Unknown: it is frozen; it reads the offer later.
        """
        message = Message("", "reply", {}, body)
        if not self.alive:
            raise NoResponders(self.name)
        if self.frozen:
            self._inbox.append(lambda: answer(message, self._control._adopt))  # noqa: SLF001 - what its subscription calls
            raise Unknown(self.name)
        return Message("", None, {}, answer(message, self._control._adopt))  # noqa: SLF001 - as above

    def tell_cancelled(self, subject: str) -> None:
        """Hear that a job is cancelled."""
        if self.frozen:
            self._inbox.append(lambda: self.tell_cancelled(subject))
        elif self.alive:
            self._control._cancel(Message(subject, None, {}, b""))  # noqa: SLF001 - what its subscription calls

    async def _perform(self, delivery: Delivery) -> None:
        attempt = ModelAttempt(self, delivery)
        self.attempts.add(attempt)
        self.leases.add(attempt)
        try:
            with suppress(TqError):  # the delivery comes back when its lease ends
                await attempt.perform()
        finally:
            self.leases.discard(attempt)
            self.attempts.discard(attempt)

    # what the model does to it ------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Confirm what is held, as `Leases.run` does at every beat."""
        self.mark_beat()
        for attempt in list(self.leases._confirmed_at):  # noqa: SLF001 - what `run` goes through
            self.spawn(self.leases._confirm(attempt, CLOCK.s))  # noqa: SLF001 - what `run` calls

    def mark_beat(self) -> None:
        """Let it know what time it is."""
        self.leases._beat_at = CLOCK.s  # noqa: SLF001 - what `run` sets

    def outlive(self) -> None:
        """Let its children have run for more than 30 ms."""
        if not self.frozen:
            for child in list(self.children):
                child.on_long()

    def interrupt(self) -> None:
        """Stop what runs, as the second SIGTERM does."""
        for attempt in list(self.attempts):
            attempt.stop(Stop.SHUTDOWN)

    def thaw(self) -> None:
        """Go on where it stopped, with what came meanwhile first."""
        self.frozen = False
        inbox, self._inbox = self._inbox, []
        for read in inbox:
            read()

    def crash(self) -> None:
        """End at once, with all its children."""
        self.alive, self.frozen = False, False
        self._inbox.clear()
        for child in self.children:
            child.alive = False
        self.world.kill_tasks(self)
