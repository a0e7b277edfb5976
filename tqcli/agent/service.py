"""The agent as a process: connect, take jobs, tell the world that it is there, and leave in good order."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from tqcli import __version__
from tqcli.agent.attempt import Attempt
from tqcli.agent.control import Control
from tqcli.agent.desk import Desk, now, say
from tqcli.agent.execution import Stop
from tqcli.agent.firings import Firings
from tqcli.agent.handover import is_taken
from tqcli.agent.intake import Intake
from tqcli.agent.lease import Leases
from tqcli.agent.printing import LogSender
from tqcli.agent.reporting import Reporter, check_room
from tqcli.agent.schedules import Schedules
from tqcli.agent.tickets import refresh_all
from tqcli.errors import Conflict, InvalidInput, TqError
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.clock import BrokerClock
from tqcli.jetstream.connection import connect
from tqcli.jetstream.presence import Presence, announce, withdraw
from tqcli.jetstream.pull import TERMINATE
from tqcli.jetstream.subjects import Names
from tqcli.jetstream.topology import ensure_queue, ensure_timers, wait_for_streams
from tqcli.process.pool import RunnerPool
from tqcli.process.stop import become_subreaper, kill_strays
from tqcli.process.warm import Limits
from tqcli.process.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tqcli.core.endpoint import Endpoint
    from tqcli.jetstream.connection import Connection
    from tqcli.jetstream.pull import Delivery

ANNOUNCE_S = 5.0
NEWS_S = 0.5
"""What an agent runs is told again when it changes, but not more often than this."""

REFRESH_LIMITS_S = 5.0
SHOWN_JOBS = 50
DEFAULT_LIMITS = Limits()


def run_agent(
    endpoint: Endpoint, *, queues: Sequence[str], slots: int, name: str, warm: Limits | None = DEFAULT_LIMITS
) -> int:
    """Run an agent until it is told to leave; return its exit code.

    The first SIGTERM or SIGINT drains: what runs may end. The second stops what runs, and gives it back to its queue.
    Python jobs run in warm workers with the limits `warm`; where it is None, each in a new process.

    Raises:
        TqError: the broker can't be used.
    """
    return asyncio.run(_serve(endpoint, tuple(queues), slots, name, warm))


async def _serve(endpoint: Endpoint, queues: tuple[str, ...], slots: int, name: str, warm: Limits | None) -> int:
    become_subreaper()
    if strays := kill_strays():
        say(f"{strays} processes killed that an earlier agent left behind")
    link = await connect(endpoint, name=f"tq agent {name}", on_event=say)
    try:
        agent = Agent(link, Names(endpoint.namespace), queues=queues, slots=slots, name=name, warm=warm)
        await agent.run()
    finally:
        await link.close()
    return 0


class Agent:
    """One agent on one connection."""

    def __init__(
        self,
        link: Connection,
        names: Names,
        *,
        queues: tuple[str, ...],
        slots: int,
        name: str,
        warm: Limits | None = DEFAULT_LIMITS,
    ) -> None:
        """Nothing happens before `run`."""
        self._link = link
        self._server_id = link.server.id
        self._broker = Broker(link, names)
        self._queues = queues
        self._slots = slots
        self._name = name
        self._attempts: set[Attempt] = set()
        self._leaving = asyncio.Event()
        self._news = asyncio.Event()
        self._started_at = now()
        self._reporter = Reporter(self._broker, batch_prefix=f"{name}-{secrets.token_hex(4)}", say=say)
        self._runners = RunnerPool()
        self._leases = Leases(self._broker)
        self._intake = Intake(self._broker, link, queues, slots=slots, leases=self._leases, perform=self._perform)
        self._schedules = Schedules(self._broker)
        self._firings = Firings(self._broker, link, self._schedules)
        self._workers = None if warm is None else Workers(self._runners, most=slots, limits=warm)
        self._desk = Desk(
            name,
            self._broker,
            self._reporter,
            LogSender(self._broker),
            self._runners,
            environment=dict(os.environ),
            clock=BrokerClock(link, self._broker.names.timers),
            workers=self._workers,
        )

    async def run(self) -> None:
        """Take jobs until told to leave."""
        async with self._runners:
            self._runners.start()  # it takes as long as what follows, beside it
            await self._prepare()
            await self._work()
            if self._workers is not None:
                await self._workers.close()
            with suppress(TqError):  # the entry ends by itself within 15 s
                await withdraw(self._broker, self._presence())
        say(f"agent {self._name}: left")

    async def _work(self) -> None:
        """Take jobs until told to leave, and let what runs then end."""
        self._handle_signals()
        say(
            f"agent {self._name}: slots {self._slots}, queues {', '.join(self._queues)}, {self._link.server.url}, "
            f"processes held together by {self._runners.containment}"
        )
        async with asyncio.TaskGroup() as group:
            background = [
                group.create_task(work)
                for work in (
                    self._reporter.run(),
                    self._leases.run(),
                    self._firings.run(),
                    self._schedules.run(),
                    self._announce(),
                    refresh_all(self._intake.tickets, every_s=REFRESH_LIMITS_S),
                )
            ]
            intake = group.create_task(self._intake.run())
            await self._leaving.wait()
            self._news.set()
            say(f"agent {self._name}: draining, jobs running: {self._intake.busy}")
            intake.cancel()
            await self._intake.drain()
            for task in background:
                task.cancel()

    async def _prepare(self) -> None:
        link, names = self._link, self._broker.names
        check_room(link.server)
        if await is_taken(self._broker, self._name):
            msg = f"an agent named {self._name} is at work already"
            raise Conflict(msg, hint="choose another --name; `tq agents` lists those that are there")
        await wait_for_streams(link, names)
        for queue in self._queues:
            await ensure_queue(link, names, queue)
        await ensure_timers(link, names)
        control = Control(
            link, names, self._name, attempts=self._attempts, intake=self._intake, on_drain=self._leaving.set
        )
        await control.open()
        link.on_reconnect(self._doubt_leases)
        link.on_reconnect(self._intake.reconnected)
        link.on_reconnect(self._firings.reconnected)

    def _doubt_leases(self) -> None:
        """Meanwhile a job may have been cancelled; a server that was restarted may have given all to another agent."""
        restarted = self._server_id != self._link.server.id
        self._server_id = self._link.server.id
        self._leases.doubt(None if restarted else self._attempts)

    async def _perform(self, delivery: Delivery, free_slot: Callable[[], None]) -> None:
        try:
            attempt = Attempt(self._desk, delivery, free_slot)
        except InvalidInput as error:
            say(f"{error.message}: its message is removed from the queue")
            with suppress(TqError):  # it comes back
                await self._link.publish(delivery.settle, TERMINATE)
            return
        self._attempts.add(attempt)
        self._leases.add(attempt)
        self._news.set()
        try:
            await attempt.perform()
        except TqError as error:
            # The delivery comes back when its lease ends; nothing was settled.
            say(f"job {attempt.id}: {error}")
        except Exception:  # noqa: BLE001  (a bug of ours must not end the agent; the delivery comes back)
            say(f"job {attempt.id}: {traceback.format_exc()}")
        finally:
            self._leases.discard(attempt)
            self._attempts.discard(attempt)
            self._news.set()

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leave)

    def _leave(self) -> None:
        if not self._leaving.is_set():
            self._leaving.set()
            return
        for attempt in self._attempts:
            attempt.stop(Stop.SHUTDOWN)

    async def _announce(self) -> None:
        while True:
            self._news.clear()
            with suppress(TqError):  # the broker is away; the next announcement says it all
                await announce(self._broker, self._presence())
            await asyncio.sleep(NEWS_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(ANNOUNCE_S - NEWS_S):
                    await self._news.wait()

    def _presence(self) -> Presence:
        running = sorted(str(attempt.id) for attempt in self._attempts)
        return Presence(
            name=self._name,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            queues=self._queues,
            slots=self._slots,
            busy=self._intake.busy,
            running=tuple(running[:SHOWN_JOBS]),
            draining=self._leaving.is_set(),
            containment=self._runners.containment,
            started_at=self._started_at,
            seen_at=now(),
        )
