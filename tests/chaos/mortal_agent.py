"""An agent that dies at a step of its own work: as `python -m tqcli.agent`, in an environment that says where.

A *step* is what passes between the agent and its server about a job: `record succeeded`, `ack`, `log` …. Each is
appended to the file CHAOS_STEPS when it comes. CHAOS_DIE is `before N` or `after N`: SIGKILL right before the N-th step
is taken, or when the server has taken it in and before the agent learns of that. With a name behind it, as in
`after 2 part succeeded`, only the steps of that name count.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import TYPE_CHECKING

import msgspec

from tqcli.agent import service
from tqcli.agent.__main__ import main
from tqcli.jetstream.connection import Connection

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from tqcli.core.endpoint import Endpoint
    from tqcli.jetstream.arrivals import CallbackSubscription
    from tqcli.jetstream.link import Message

KINDS = (
    (r"\$JS\.ACK\.(?P<stream>\w+)\..*", "settle"),
    (r"\w+\.record\..*", "record"),
    (r"\w+\.timer\.at\..*", "timer"),
    (r"\w+\.timer\.schedule\..*", "schedule timer"),
    (r"\w+\.timer\.fire\.schedule\..*", "tell schedule"),
    (r"\w+\.schedule\..*", "schedule"),
    (r"\w+\.log\..*", "log"),
    (r"\w+\.job\..*", "enqueue"),
    (r"\$JS\.API\.DIRECT\.GET\.\w+_RECORDS\..*", "look"),
)
ARRIVALS = ((r"\w+\.job\..*", "delivery"), (r"\w+\.timer\.fire\..*", "firing"))


class Steps:
    """The steps so far, and the one that is the last."""

    def __init__(self) -> None:
        """Read what the environment says."""
        self._file = os.open(os.environ["CHAOS_STEPS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        side, number, *name = os.environ.get("CHAOS_DIE", "never 0").split(" ", 2)
        self._last = int(number)
        self._only = name[0] if name else None
        self._dies_before = side == "before"
        self._count = 0

    def take(self, name: str) -> bool:
        """Note a step that is about to be taken; return whether to die after it."""
        self._count += self._only in {None, name}
        is_last = self._count == self._last and self._only in {None, name}
        os.write(self._file, f"{name}\n".encode())
        if is_last and self._dies_before:
            die()
        return is_last


def die() -> None:
    """End as by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def name_of(subject: str, body: bytes, headers: Mapping[str, str] | None) -> str | None:
    """Return what a message to the server is for; None for what has nothing to do with a job."""
    kind = next((name for pattern, name in KINDS if re.fullmatch(pattern, subject)), None)
    if headers is not None and "Nats-Batch-Id" in headers:
        return f"{'commit' if 'Nats-Batch-Commit' in headers else 'part'} {msgspec.json.decode(body)['state']}"
    match kind:
        case "record":
            return f"record {msgspec.json.decode(body)['state']}"
        case "settle":
            if body == b"+WPI":  # on the clock, not at a point of the job
                return None
            word = {b"+": "ack", b"-": "give back"}[body[:1]]
            return f"{word} firing" if "_TIMERS." in subject else word
        case _:
            return kind


class MortalConnection(Connection):
    """A connection on which each step may be the last."""

    def __init__(self, endpoint: Endpoint, *, name: str, on_event: Callable[[str], None] | None) -> None:
        """See `Connection`."""
        super().__init__(endpoint, name=name, on_event=on_event)
        self._steps = Steps()

    async def publish(
        self, subject: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None, reply: str | None = None
    ) -> None:
        """Send and forget."""
        name = name_of(subject, body, headers)
        is_last = name is not None and self._steps.take(name)
        await super().publish(subject, body, headers=headers, reply=reply)
        if is_last:
            await self.flush()
            die()

    def post(
        self, subject: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None, timeout_s: float = 5.0
    ) -> asyncio.Future[Message]:
        """Send a request."""
        name = name_of(subject, body, headers)
        is_last = name is not None and self._steps.take(name)
        answer = super().post(subject, body, headers=headers, timeout_s=timeout_s)
        if is_last:
            answer.add_done_callback(lambda _: die())  # the first callback, so whoever waits learns nothing
        return answer

    async def subscribe_callback(self, subject: str, callback: Callable[[Message], None]) -> CallbackSubscription:
        """Call `callback` with each message; a delivery is a step."""

        def take(message: Message) -> None:
            name = next((name for pattern, name in ARRIVALS if re.fullmatch(pattern, message.subject)), None)
            is_last = name is not None and self._steps.take(name)
            callback(message)
            if is_last:
                die()

        return await super().subscribe_callback(subject, take)


async def connect_mortal(
    endpoint: Endpoint, *, name: str = "tq", on_event: Callable[[str], None] | None = None
) -> Connection:
    """Return a connection as the agent wants it."""
    connection = MortalConnection(endpoint, name=name, on_event=on_event)
    await connection.open()
    return connection


if __name__ == "__main__":
    vars(service)["connect"] = connect_mortal
    sys.exit(main())
