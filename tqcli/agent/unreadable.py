"""Reading the spec in a message, and what stands in for one that can't be read: enough for a record that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqcli.core.check import check_spec
from tqcli.core.codec import decode_spec
from tqcli.core.ids import is_group_id, submitted_at
from tqcli.core.names import quote
from tqcli.core.spec import DEFAULT_QUEUE, WIRE_VERSION, Shell, Spec
from tqcli.errors import InvalidInput
from tqcli.jetstream.subjects import split_job_subject, split_tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.jetstream.pull import Delivery


def read_spec(delivery: Delivery, spell: Callable[[Spec], str]) -> Spec:
    """Return the spec in a delivery; `spell` says on which subject it belongs.

    Raises:
        CorruptRecord: it can't be read.
        InvalidInput: a field makes no sense, or it is another job than the subject says. The record goes where the
            subject says, and what follows from it where the spec says: they must agree.
    """
    spec = decode_spec(delivery.body)
    check_spec(spec)
    if spell(spec) != delivery.subject:
        msg = f"the message on {quote(delivery.subject)} belongs on {quote(spell(spec))}"
        raise InvalidInput(msg)
    return spec


def stand_in(subject: str) -> Spec:
    """Return a spec made from nothing but the subject of a job's message."""
    queue, priority, group, index = split_job_subject(subject)
    return _spec(group, index, queue, priority)


def stand_in_for_firing(subject: str) -> Spec:
    """Return a spec made from nothing but the subject of a timer's firing.

    Raises:
        InvalidInput: it names no job.
    """
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
