"""What stands in for a spec that can't be read: enough for a record that says so."""

from __future__ import annotations

from tqcli.core.ids import is_group_id, submitted_at
from tqcli.core.spec import DEFAULT_QUEUE, WIRE_VERSION, Shell, Spec
from tqcli.jetstream.subjects import split_job_subject, split_tail


def stand_in(subject: str) -> Spec:
    """Return a spec made from nothing but the subject of a job's message."""
    queue, priority, group, index = split_job_subject(subject)
    return _spec(group, index, queue, priority)


def stand_in_for_firing(subject: str) -> Spec:
    """Return a spec made from nothing but the subject of a timer's firing."""
    return _spec(*split_tail(subject), DEFAULT_QUEUE, "normal")


def _spec(group: str, index: int, queue: str, priority: str) -> Spec:
    when = submitted_at(group if is_group_id(group) else "0" * 16)
    return Spec(
        v=WIRE_VERSION,
        group=group,
        index=index,
        queue=queue,
        priority=priority,
        work=Shell(()),
        submitted_at=when,
    )
