"""Every name that tq uses on the broker, spelled in one place.

`tq` is the default namespace; a context may name another, and then shares a broker with others without meeting them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from tqcli.core.ids import JobId

_TAIL = re.compile(r".+\.([A-Za-z0-9_-]+)\.(0|[1-9][0-9]{0,8})", re.ASCII)

LEVELS = ("high", "normal", "low")
HEADER_MSG_ID = "Nats-Msg-Id"
HEADER_EXPECTED = "Nats-Expected-Last-Subject-Sequence"
HEADER_RECHECK = "Tq-Recheck"
"""On a job's message: it may be here for the second time, so the agent reads the record before it starts."""

HEADER_DUE = "Tq-Due"
"""On a timer and its firing: the moment for which the job waits."""


class Names:
    """The streams, subjects and consumers of one namespace."""

    def __init__(self, namespace: str = "tq") -> None:
        """Spell the names of `namespace`."""
        upper = namespace.upper()
        self.namespace = namespace
        self.jobs = f"{upper}_JOBS"
        self.timers = f"{upper}_TIMERS"
        self.records = f"{upper}_RECORDS"
        self.logs = f"{upper}_LOGS"
        self.objects = f"{upper}_OBJECTS"
        self.limits = f"{upper}_LIMITS"
        self.schedules = f"{upper}_SCHEDULES"
        self.agents_bucket = f"{namespace}_agents"
        self.agents = f"KV_{self.agents_bucket}"

    def job(self, queue: str, priority: str, group: str, index: int) -> str:
        """Return the subject of one queued job."""
        return f"{self.namespace}.job.{queue}.{priority}.{group}.{index}"

    def job_anywhere(self, job: JobId, *, element: bool = True) -> str:
        """Return the wildcard that finds a job in whatever queue; without `element`, its whole group."""
        return f"{self.namespace}.job.*.*.{job.group}.{job.index or 0 if element else '*'}"

    def jobs_of(self, queue: str = "*", priority: str = "*") -> str:
        """Return the wildcard of a queue's jobs, or of one level of it."""
        return f"{self.namespace}.job.{queue}.{priority}.>"

    def record(self, group: str, index: int) -> str:
        """Return the subject of one job's record."""
        return f"{self.namespace}.record.{group}.{index}"

    def records_of(self, group: str = "*") -> str:
        """Return the wildcard of a group's records, or of all."""
        return f"{self.namespace}.record.{group}.*"

    def log(self, group: str, index: int | str, attempt: int | str) -> str:
        """Return the subject of what one attempt printed; `index` and `attempt` may be `*`."""
        return f"{self.namespace}.log.{group}.{index}.{attempt}"

    def timer(self, group: str, index: int | str) -> str:
        """Return the subject that holds a job until its time; `index` may be `*`."""
        return f"{self.namespace}.timer.at.{group}.{index}"

    def firing(self, group: str, index: int | str) -> str:
        """Return the subject on which that timer fires."""
        return f"{self.namespace}.timer.fire.at.{group}.{index}"

    def timers_of(self, group: str, index: int | str = "*") -> tuple[str, str]:
        """Return the subjects of a job's timer and firing, or the wildcards of a group's, in the order it moves."""
        return self.timer(group, index), self.firing(group, index)

    @property
    def firings(self) -> str:
        """The wildcard of all firings."""
        return f"{self.namespace}.timer.fire.>"

    def schedule(self, name: str) -> str:
        """Return the subject of a schedule's snapshot; `name` may be `*`."""
        return f"{self.namespace}.schedule.{name}"

    @property
    def swept(self) -> str:
        """The subject of the mark that an agent leaves when it looks over all schedules."""
        return f"{self.namespace}.swept"

    def schedule_timer(self, name: str) -> str:
        """Return the subject that holds the timer of a schedule's next run; `name` may be `*`."""
        return f"{self.namespace}.timer.schedule.{name}"

    def schedule_firing(self, name: str) -> str:
        """Return the subject on which that timer fires; `name` may be `*`."""
        return f"{self.namespace}.timer.fire.schedule.{name}"

    def limit(self, queue: str, number: int | str) -> str:
        """Return the subject of one of a queue's tickets (see `limits`)."""
        return f"{self.namespace}.limit.{queue}.{number}"

    def object(self, digest: str, part: int | str) -> str:
        """Return the subject of one part of a stored object."""
        return f"{self.namespace}.object.{digest}.{part}"

    def agent(self, name: str) -> str:
        """Return the subject of an agent's presence."""
        return f"$KV.{self.agents_bucket}.{name}"

    def cancel(self, group: str, index: int | str) -> str:
        """Return the control subject that tells agents to stop a job."""
        return f"{self.namespace}.control.cancel.{group}.{index}"

    def drain(self, agent: str) -> str:
        """Return the control subject that asks one agent to drain."""
        return f"{self.namespace}.control.drain.{agent}"

    def holder(self, agent: str) -> str:
        """Return the control subject on which an agent says whether it still holds a job (see `agent.handover`)."""
        return f"{self.namespace}.control.holder.{agent}"

    def changed(self, queue: str) -> str:
        """Return the control subject that says a queue's limit changed."""
        return f"{self.namespace}.control.queue.{queue}"

    def queue_consumer(self, queue: str, priority: str) -> str:
        """Return the name of the consumer that serves one level of a queue."""
        return f"{queue}-{priority}"


def split_queue_consumer(name: str) -> tuple[str, str] | None:
    """Return the queue and the level that a consumer of jobs serves; None where it is none of tq's."""
    queue, _, level = name.rpartition("-")
    return (queue, level) if level in LEVELS else None


def split_job_subject(subject: str) -> tuple[str, str, str, int]:
    """Return (queue, priority, group, index) of a job's subject.

    Raises:
        InvalidInput: it does not end in the name of a job. The server takes any subject, even one with wildcards (H9).
    """
    group, index = split_tail(subject)
    *_, queue, priority, _, _ = ("", *subject.split("."))  # of three words at least
    return queue, priority, group, index


def split_schedule_firing(subject: str) -> str | None:
    """Return the name of the schedule that a firing is for; None where it is a job's."""
    *_, fire, kind, name = ("", "", *subject.split("."))
    return name if (fire, kind) == ("fire", "schedule") else None


def split_tail(subject: str) -> tuple[str, int]:
    """Return (group, index), the last two words of a record's, timer's or cancel subject.

    Raises:
        InvalidInput: as `split_job_subject`.
    """
    match = _TAIL.fullmatch(subject)
    if match is None:
        msg = f"{subject[:80]!r} is not the subject of a job"
        raise InvalidInput(msg)
    return match[1], int(match[2])
