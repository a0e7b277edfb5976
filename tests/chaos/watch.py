"""A look at the processes every second: which of them should not be there any more."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING

from tests.chaos.processes import find_processes

if TYPE_CHECKING:
    from tests.chaos.processes import Process
    from tests.chaos.world import World

LOOK_S = 1.0
PATIENCE_S = 5.0
"""For how long a process may outlive its attempt, or the agent that it belongs to."""


class Watch(Thread):
    """Looks until `stop`; `left_over` says what it found."""

    def __init__(self, world: World) -> None:
        """Prepare; `start` begins."""
        super().__init__(daemon=True)
        self.left_over: dict[int, str] = {}
        self._world = world
        self._over = Event()
        self._wrong_since: dict[int, float] = {}

    def run(self) -> None:
        """Look, and look again."""
        while not self._over.wait(LOOK_S):
            self.look()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()

    def look(self) -> None:
        """Note which processes have been there for too long."""
        agents = {host.agent for host in self._world.hosts}
        ended = {(run.claim, str(run.attempt)) for run in self._world.ledger.read() if run.ended_at is not None}
        wrong: dict[int, float] = {}
        now = time.monotonic()
        for process in find_processes("CHAOS", self._world.token):
            if why := _why_wrong(process, agents, ended):
                since = wrong[process.pid] = self._wrong_since.get(process.pid, now)
                if now - since > PATIENCE_S:
                    self.left_over[process.pid] = f"process {process.pid} ({process.name}): {why}"
        self._wrong_since = wrong


def _why_wrong(process: Process, agents: set[str], ended: set[tuple[str, str]]) -> str | None:
    agent = process.env.get("CHAOS_AGENT", "")
    if agent not in agents:
        return f"its agent {agent} is gone"
    if process.claim is not None and (process.claim, process.env.get("TQ_ATTEMPT", "")) in ended:
        return f"its attempt {process.claim} has ended"
    return None
