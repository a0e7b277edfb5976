"""What all of an agent shares: its tools, its clock, its log."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tqcli.agent.printing import LogSender
    from tqcli.agent.reporting import Reporter
    from tqcli.jetstream.broker import Broker
    from tqcli.jetstream.clock import BrokerClock
    from tqcli.process.pool import RunnerPool
    from tqcli.process.workers import Workers


class Desk(NamedTuple):
    """The tools of one agent; `environment` is what its jobs inherit, `clock` what timers go by.

    Without `workers` every job is a new process.
    """

    name: str
    broker: Broker
    reporter: Reporter
    logs: LogSender
    runners: RunnerPool
    environment: dict[str, str]
    clock: BrokerClock
    workers: Workers | None = None


def now() -> datetime:
    """Return this host's time, in UTC."""
    return datetime.now(UTC)


def say(text: str) -> None:
    """Write a line to the agent's log, which is stderr."""
    print(f"{now():%Y-%m-%d %H:%M:%S} {text}", file=sys.stderr, flush=True)  # noqa: T201
