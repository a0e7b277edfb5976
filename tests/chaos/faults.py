"""The faults: which ones there are, and the plan that a seed makes of them."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from tests.chaos.world import pause
from tests.support.eventually import eventually
from tqcli.client.queues import pause_queue, resume_queue
from tqcli.errors import TqError
from tqcli.jetstream.plain import drive

if TYPE_CHECKING:
    from tests.chaos.world import Host, World

CALM_S = 12.0
"""After half of the kills nothing else happens for so long: is everything running again?"""

BUSY_S = 0.1
"""A fault that finds its target busy takes no place, but some time: all targets may be busy at once."""

Undo = Callable[[], None]


class Fault(NamedTuple):
    """What happens `at` so many seconds; `host` counts from 0, `number` is drawn for whatever the fault needs."""

    at: float
    name: str
    host: int
    seconds: float
    number: int

    def __str__(self) -> str:
        """Return the line that a report has."""
        where = "" if NAMES[self.name].target == "server" else f" of host{self.host + 1}"
        lasts = f", for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.name}{where}{lasts}"


class Sort(NamedTuple):
    """A sort of fault: how often it is drawn, what it hits, how long it lasts at most, and what it does.

    Two faults that last never hit the same target at once.
    """

    name: str
    weight: int
    target: str
    longest_s: float
    act: Callable[[World, Host, int], Undo | None]


def kill_agent(_: World, host: Host, __: int) -> None:
    """Kill -9; a new one is started at once."""
    host.kill()


def freeze_agent(_: World, host: Host, __: int) -> Undo:
    """SIGSTOP, SIGCONT."""
    host.freeze()
    return host.thaw


def drain_agent(_: World, host: Host, __: int) -> None:
    """One SIGTERM."""
    host.signal(signal.SIGTERM)


def drain_agent_twice(_: World, host: Host, number: int) -> None:
    """SIGTERM, and another one."""
    host.signal(signal.SIGTERM)
    pause(number % 1000 / 1000)
    host.signal(signal.SIGTERM)


def kill_runner(_: World, host: Host, __: int) -> None:
    """Kill -9 of what holds an attempt together."""
    host.kill_helper("tq-runner")


def kill_zygote(_: World, host: Host, __: int) -> None:
    """Kill -9 of what all runners come from."""
    host.kill_helper("tq-zygote")


def kill_server(world: World, _: Host, __: int) -> Undo:
    """Kill -9; it comes back."""
    world.server.kill()
    return world.server.start


def stop_server(world: World, _: Host, __: int) -> Undo:
    """SIGTERM; it comes back."""
    world.server.stop()
    return world.server.start


def freeze_server(world: World, _: Host, __: int) -> Undo:
    """SIGSTOP, SIGCONT."""
    world.server.freeze()
    return world.server.thaw


def cut_line(_: World, host: Host, number: int) -> None:
    """Reset the agent's connection at some byte."""
    host.line.cut(after_bytes=number % 4000)


def cut_all_lines(world: World, _: Host, number: int) -> None:
    """Reset all connections at some byte, those of users as well."""
    for line in (world.client_line, *(host.line for host in world.hosts)):
        line.cut(after_bytes=number % 4000)


def swallow_line(_: World, host: Host, __: int) -> Undo:
    """The agent's connection stays, and nothing passes."""
    host.line.swallow()
    return host.line.restore


def swallow_client_line(world: World, _: Host, __: int) -> Undo:
    """The users' connections stay, and nothing passes."""
    world.client_line.swallow()
    return world.client_line.restore


def delay_line(_: World, host: Host, number: int) -> Undo:
    """Everything that the agent says or hears takes its time."""
    host.line.delay(number % 300 / 1000)
    return host.line.restore


def pause_jobs(world: World, _: Host, __: int) -> Undo:
    """`tq queue pause`, and `resume`."""
    broker = world.stage.broker

    def resume() -> None:
        insist(lambda: drive(resume_queue(broker, "default")))

    insist(lambda: drive(pause_queue(broker, "default")))
    return resume


def insist(action: Callable[[], None]) -> None:
    """Do it again until it is done: a server that has just come back refuses for a moment."""

    def is_done() -> bool:
        try:
            action()
        except TqError:
            return False
        return True

    eventually(is_done, 20)


SORTS = (
    Sort("kill -9 of the agent", 24, "agent", 0, kill_agent),
    Sort("freeze of the agent", 10, "agent", 12, freeze_agent),
    Sort("TERM of the agent", 5, "agent", 0, drain_agent),
    Sort("TERM twice of the agent", 5, "agent", 0, drain_agent_twice),
    Sort("kill -9 of a runner", 6, "agent", 0, kill_runner),
    Sort("kill -9 of the zygote", 4, "agent", 0, kill_zygote),
    Sort("kill -9 of the server", 6, "server", 10, kill_server),
    Sort("TERM of the server", 4, "server", 10, stop_server),
    Sort("freeze of the server", 4, "server", 10, freeze_server),
    Sort("cut of the line", 8, "line", 0, cut_line),
    Sort("cut of all lines", 4, "server", 0, cut_all_lines),
    Sort("black hole in the line", 10, "line", 12, swallow_line),
    Sort("black hole before the users", 3, "server", 20, swallow_client_line),
    Sort("slow line", 4, "line", 8, delay_line),
    Sort("pause of the queue", 3, "server", 6, pause_jobs),
)
NAMES = {sort.name: sort for sort in SORTS}


def make_plan(seed: int, *, hosts: int, seconds: float) -> list[Fault]:
    """Return the faults of so many seconds; each seed has its own."""
    rng = random.Random(f"faults {seed}")
    plan: list[Fault] = []
    busy_until: dict[tuple[str, int], float] = {}
    now = 2.0
    while now < seconds:
        (sort,) = rng.choices(SORTS, [sort.weight for sort in SORTS])
        host, number = rng.randrange(hosts), rng.getrandbits(32)
        lasts = round(rng.uniform(min(0.5, sort.longest_s), sort.longest_s), 1)
        target = (sort.target, 0 if sort.target == "server" else host)
        if busy_until.get(target, 0) > now:
            now += BUSY_S
            continue
        busy_until[target] = now + lasts
        plan.append(Fault(round(now, 1), sort.name, host, lasts, number))
        after_kill = sort.act is kill_agent and rng.random() < 0.5
        now += CALM_S if after_kill else rng.uniform(0.3, 4.0)
    return plan


class Weather:
    """When it was not calm: from a fault's beginning to its end."""

    def __init__(self) -> None:
        """Begin in calm."""
        self._storms: list[list[float]] = []

    def begin(self) -> Undo:
        """Note that a fault begins; return what notes its end."""
        storm = self.note(time.time(), float("inf"))

        def end() -> None:
            storm[1] = time.time()

        return end

    def note(self, begin: float, end: float) -> list[float]:
        """Note a fault between these seconds since 1970."""
        storm = [begin, end]
        self._storms.append(storm)
        return storm

    def longest_calm(self, begin: float, end: float) -> float:
        """Return the longest time between the two without any fault."""
        calm_since, longest = begin, 0.0
        for storm_begin, storm_end in sorted(self._storms):
            if storm_end <= begin:
                continue
            if storm_begin >= end:
                break
            longest = max(longest, storm_begin - calm_since)
            calm_since = max(calm_since, storm_end)
        return max(longest, end - calm_since)
