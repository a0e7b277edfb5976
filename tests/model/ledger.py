"""The ledger: kept from outside, it knows what was promised and what really happened, and says where they differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tests.model.clock import CLOCK
from tqcli.agent.early import EARLY
from tqcli.core.codec import decode_record
from tqcli.core.outcome import Exited
from tqcli.core.record import Record, queued
from tqcli.core.state import MOVES, Reason, State
from tqcli.errors import Unavailable, Unknown
from tqcli.jetstream.subjects import split_tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.model.fleet import Child
    from tests.model.link import Task
    from tests.model.rules import ModelAttempt
    from tqcli.core.spec import Spec


class Broken(AssertionError):
    """A promise of tq is broken."""


def require(*, holds: bool, promise: str) -> None:
    """Return where a promise holds.

    Raises:
        Broken: it doesn't.
    """
    if not holds:
        raise Broken(promise)


class Ledger:
    """What was promised and what happened, by the job's group id."""

    def __init__(self, is_well: Callable[[str], bool]) -> None:
        """`is_well` tells whether an agent that can answer holds this claim now."""
        self._is_well = is_well
        self._unasked: set[str] = set()
        self.specs: dict[str, Spec] = {}
        self.submits: dict[str, Task] = {}
        self.children: dict[str, list[Child]] = defaultdict(list)
        self.delivered = 0
        self._unclaimed: Counter[str] = Counter()
        self._records: dict[str, Record] = {}
        self._claims: set[tuple[str, str]] = set()
        self._disturbed: set[str] = set()
        self._cancelled: dict[str, int] = {}

    # what happens -------------------------------------------------------------------------------------------------

    def disturb(self, job: str | None = None) -> None:
        """Note that a lease ended under a living holder, or that the broker restarted: it may run twice at a time."""
        self._disturbed.update(self.specs if job is None else [job])

    def miss_offer(self, job: str) -> None:
        """Note that the holder of a job was asked, and could not answer or was not heard."""
        self._unasked.add(job)

    def confirm_cancel(self, job: str) -> None:
        """Note that a user was told that the job is cancelled."""
        self._cancelled[job] = self.delivered

    def write(self, subject: str, body: bytes) -> None:
        """Judge a record that is written."""
        job, _ = split_tail(subject)
        record = decode_record(body)
        require(holds=job in self.specs, promise="no record without a submit")
        spec, last = self.specs[job], self._records.get(job) or queued(b"{}")
        require(holds=not last.state.final, promise="a final record never changes")
        require(holds=record.state in MOVES[last.state], promise="every move is in the table")
        require(holds=record.attempt >= last.attempt, promise="an attempt that was counted stays so")
        require(holds=record.counted <= spec.retries + 1, promise="no attempt beyond the retries")
        require(holds=record.losses <= spec.max_losses + 1, promise="no loss beyond max_losses")
        taken = last.state is State.RUNNING and record.state is State.RUNNING and record.losses > last.losses
        if taken and job not in self._unasked:
            require(holds=not self._is_well(last.claim or ""), promise="a holder that can answer keeps its job")
        if record.state is State.RUNNING:
            self._claims.add((job, record.claim or ""))
        if record.state is State.SUCCEEDED:
            require(holds=self._has_exited(job, record, 0), promise="what succeeded has run to exit 0")
        if record.reason is Reason.EXIT:
            require(holds=self._has_exited(job, record, record.exit_code), promise="an exit code is a child's")
        self._records[job] = record

    def start(self, attempt: ModelAttempt, child: Child) -> None:
        """Judge a child that starts."""
        job = attempt.group
        not_before = self.specs[job].not_before
        is_time = not_before is None or not_before - CLOCK.now() <= EARLY
        require(holds=is_time, promise="no job starts before its time")
        claimed = (job, str(attempt.claim)) in self._claims
        require(holds=claimed or attempt.delivery.count == 1, promise="only a first delivery starts without a claim")
        if not claimed:
            self._unclaimed[job] += 1
        alone = not any(other.alive for other in self.children[job])
        require(
            holds=alone or job in self._disturbed, promise="a job runs twice at a time only after a gap in its lease"
        )
        in_hand = attempt.number <= self._cancelled.get(job, attempt.number)
        require(holds=in_hand, promise="a cancelled job starts from no later delivery")
        self.children[job].append(child)

    def _has_exited(self, job: str, record: Record, code: int | None) -> bool:
        return any(child.how == Exited(code or 0) and child.number == record.attempt for child in self.children[job])

    # at the end ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Judge what is there once all has come to rest."""
        for job, submit in self.submits.items():
            self._judge(job, submit, self._records.get(job))

    def _judge(self, job: str, submit: Task, record: Record | None) -> None:
        starts = len(self.children[job])
        if isinstance(submit.error, Unavailable):
            require(holds=record is None and not starts, promise="a job that is not queued leaves nothing")
        if record is None:
            require(holds=not starts, promise="a job that ran has a record")
            require(holds=isinstance(submit.error, Unavailable | Unknown), promise="an accepted job has a record")
            return
        require(holds=record.state.final, promise="a job that was queued ends")
        require(holds=starts <= record.attempt + self._unclaimed[job], promise="each start beyond the first is claimed")
        # A user may end a job while its first child is too young to have its claim written.
        by_user = record.state in {State.CANCELLED, State.EXPIRED}
        calm = job not in self._disturbed and not by_user
        uncounted = any(child.given_back for child in self.children[job])
        require(holds=not calm or starts <= record.attempt + uncounted, promise="each start is one that was counted")
        if job in self._cancelled:
            require(holds=record.state is State.CANCELLED, promise="a cancelled job stays cancelled")
