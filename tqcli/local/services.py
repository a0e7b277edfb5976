"""The server and the agent of a state folder, what is wished of them, and what is told of them."""

from __future__ import annotations

import os
import time

from tqcli.errors import TqError
from tqcli.local.child import Child
from tqcli.local.launch import start_child
from tqcli.local.logs import AGENT_LOG, log, open_log
from tqcli.local.server import USER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tqcli.local.notice import Notice
    from tqcli.local.server import Server


class Services:
    """What runs in the working directory. `kept`: it stays without users. `over`: it is told to end."""

    def __init__(self, server: Server, notice: Notice, *, agent: tuple[str, ...]) -> None:
        """`server` takes connections; `agent` is the agent's command."""
        self.kept = False
        self.over = False
        self.nats = Child("nats-server", server.launch, may_leave=False, pid=server.pid)
        self.agent = Child("agent", self._start_agent, may_leave=True)
        self._server = server
        self._notice = notice
        self._command = agent
        self._slots: int | None = None
        self._umask = os.umask(0)
        os.umask(self._umask)
        self._started_at = time.time()

    def hear(self, wishes: str) -> None:
        """Do as told: `keep`, `stop`, `agent`, `agent SLOTS`, `check` (look whether you are needed); one per line."""
        for wish in wishes.splitlines():
            word, _, slots = wish.partition(" ")
            if word == "stop":
                self.over = True
            elif word == "keep" and not self.kept:
                self.kept = True
                self.publish()
            elif word == "agent" and not self.agent.on:
                self._slots = int(slots) if slots.isdigit() else None
                self.agent.turn_on()

    def mend(self) -> None:
        """Notice what ended, start what is due, and tell what is new."""
        changed = False
        for child in (self.nats, self.agent):
            code = child.reap()
            if code is not None:
                changed = True
                log(f"{child.name} ended with {code}")
            try:
                changed = child.start_if_due() or changed
            except (OSError, TqError) as error:
                log(f"{child.name} can't be started: {error}")
        if changed:
            self.publish()

    def publish(self) -> None:
        """Tell how things are."""
        server = self._server
        facts = {
            "servers": [f"nats://127.0.0.1:{server.port}"],
            "user": USER,
            "password": server.password,
            "version": server.version,
            "sync": server.sync,
            "keeper_pid": os.getpid(),
            "server_pid": self.nats.pid,
            "agent": self.agent.on,
            "agent_pid": self.agent.pid,
            "slots": self._slots,
            "kept": self.kept,
            "started_at": self._started_at,
        }
        try:
            self._notice.publish(facts)
        except OSError as error:
            # The disk is full, say. How to connect stays what it was.
            log(f"server.json can't be written: {error}")

    def retract(self) -> None:
        """Tell that there is nothing any more."""
        self._notice.retract()

    def _start_agent(self) -> int:
        slots = () if self._slots is None else ("--slots", str(self._slots))
        log_fd = open_log(".", AGENT_LOG)
        try:
            return start_child((*self._command, *slots), log_fd=log_fd, umask=self._umask)
        finally:
            os.close(log_fd)
