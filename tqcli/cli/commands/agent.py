"""`tq agent`: an agent in the foreground."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from tqcli.cli.common import queue_option, slots_option
from tqcli.cli.parameter import Option
from tqcli.cli.value import whole_number
from tqcli.core.names import check_name
from tqcli.core.size import parse_size
from tqcli.core.spec import DEFAULT_QUEUE
from tqcli.jetstream.admission import LoginRefused

if TYPE_CHECKING:
    from tqcli.cli.invocation import Invocation
    from tqcli.core.endpoint import Endpoint
    from tqcli.process.warm import Limits

_NAME_MOST = 64
_PYTHON = "Python jobs"
_NOT_IN_NAME = re.compile(r"[^a-z0-9_-]+")


class WorkerFlags(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent runs Python jobs."""

    isolation: Annotated[
        Literal["process", "fresh"] | None,
        Option("--isolation", help="Python jobs in warm processes (process), or each in a fresh one", panel=_PYTHON),
    ] = None
    worker_jobs: Annotated[
        int | None,
        Option(
            "--worker-jobs",
            metavar="N",
            help="a new warm process after N jobs (10,000)",
            parse=whole_number(1),
            panel=_PYTHON,
        ),
    ] = None
    worker_memory: Annotated[
        int | None,
        Option(
            "--worker-memory",
            metavar="SIZE",
            help="a new warm process once it needs more than this (1G)",
            parse=parse_size,
            panel=_PYTHON,
        ),
    ] = None

    def limits(self) -> Limits | None:
        """Return the limits of warm workers; None: there shall be none."""
        from tqcli.process.warm import Limits  # noqa: PLC0415 - asyncio takes longer than a wrong option

        if self.isolation == "fresh":
            return None
        default = Limits()
        return Limits(self.worker_jobs or default.jobs, self.worker_memory or default.memory_bytes)


def agent(
    tq: Invocation,
    workers: WorkerFlags,
    *,
    queue: Annotated[list[str] | None, queue_option("a queue to serve (default); may be repeated")] = None,
    slots: Annotated[int | None, slots_option()] = None,
    name: Annotated[
        str | None,
        Option("--name", metavar="NAME", help="what to call it (HOST-PID)", parse=partial(check_name, noun="agent")),
    ] = None,
) -> int:
    """Run an agent in the foreground: it takes jobs from its queues and runs them here.

    The first Ctrl-C or SIGTERM drains it: what runs may end. The second one stops what runs; those jobs go back to
    their queues. Queues that don't exist yet are made.

    Examples:
        tq agent
        tq agent -q gpu -q default -c 2 --name gpu-1
    """
    queues = tuple(dict.fromkeys(queue or [DEFAULT_QUEUE]))
    slots = slots or len(os.sched_getaffinity(0))
    called = name or default_name(os.uname().nodename, os.getpid())
    from tqcli.settings.target import choose_target  # noqa: PLC0415 - wrong words are told before

    target = choose_target(server=tq.globals.server, context=tq.globals.context)
    if target.endpoint is not None:
        try:
            return _run(target.endpoint, queues, slots, called, workers)
        except LoginRefused as error:
            raise LoginRefused(error.message, hint=target.login_hint) from error
    from tqcli.local.hold import hold_local  # noqa: PLC0415 - a fleet's agents never need it

    with hold_local(agent=False) as hold:
        return _run(hold.endpoint, queues, slots, called, workers)


def default_name(host: str, pid: int) -> str:
    """Return a name for an agent that was given none.

    >>> default_name("Ann's-Laptop.example", 4711)
    'ann-s-laptop-4711'
    """
    short = _NOT_IN_NAME.sub("-", host.partition(".")[0].lower()).strip("-_") or "host"
    return f"{short[: _NAME_MOST - len(str(pid)) - 1]}-{pid}"


def _run(endpoint: Endpoint, queues: tuple[str, ...], slots: int, name: str, workers: WorkerFlags) -> int:
    from tqcli.agent.service import run_agent  # noqa: PLC0415 - asyncio and nats take longer than a wrong option

    return run_agent(endpoint, queues=queues, slots=slots, name=name, warm=workers.limits())
