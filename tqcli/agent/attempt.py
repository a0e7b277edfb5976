"""What happens to a job in an agent's hands, from its delivery to its settling.

::

    load      the message's bytes → a spec; what can't be read is rejected
    admit     is it ours to run? it may have ended, be running elsewhere, be too early (before its time or its retry's:
              then it waits at the broker), or too late
    prepare   its command, environment and standard input
    run       the child, its output, its timeout; a job that lives longer than 30 ms gets its `running` record
    decide    outcome → verdict, by rules alone (`core.verdict`)
    record    compare-and-set: whoever lost the job in the meantime loses here (`WrongSequence`), and steps back
    settle    the delivery, after its record: a crash between the two finds the final record and only acks
"""

from __future__ import annotations

import asyncio
import random
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from tqcli.agent.desk import now
from tqcli.agent.early import EARLY, load_time, start_at, wait_at_broker
from tqcli.agent.execution import Execution, Stop
from tqcli.agent.handover import hand_over, is_copy
from tqcli.agent.preparing import prepare_command
from tqcli.agent.reporting import RENEW_S, describe_misfit
from tqcli.agent.results import store_result
from tqcli.agent.unreadable import read_spec, stand_in
from tqcli.core.claim import Claim
from tqcli.core.codec import encode
from tqcli.core.conclusion import conclude, count_ended
from tqcli.core.ids import JobId
from tqcli.core.outcome import Expired, Failure, Lost, NotStarted, Outcome, Rejected
from tqcli.core.record import Output, Record, queued, start
from tqcli.core.state import Reason, State
from tqcli.core.verdict import Fail, Retry, Return, Verdict, decide
from tqcli.errors import CorruptRecord, InvalidInput
from tqcli.jetstream.api import WrongSequence
from tqcli.jetstream.pull import ACK, GIVE_BACK, GIVE_BACK_LATER
from tqcli.jetstream.records import UnreadableRecord, Write, load_record
from tqcli.jetstream.subjects import split_job_subject
from tqcli.jetstream.timers import tell_schedule

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tqcli.agent.desk import Desk
    from tqcli.core.spec import Spec
    from tqcli.jetstream.pull import Delivery


class Attempt:
    """One delivery of a job. `settle` is where its lease is extended and ended; a handover may replace it."""

    spec: Spec

    def __init__(self, desk: Desk, delivery: Delivery, free_slot: Callable[[], None]) -> None:
        """Nothing happens before `perform`; `free_slot` is called when the job needs its slot no more.

        Raises:
            InvalidInput: the delivery's subject names no job, so there is no place for a record.
        """
        _, _, self.group, self.index = split_job_subject(delivery.subject)
        self.id = JobId(self.group, self.index)
        self.settle = delivery.settle
        self.claim = Claim(delivery.sequence, secrets.token_hex(4))
        self._desk = desk
        self._delivery = delivery
        self._free_slot = free_slot
        self._record = queued(delivery.body)
        self._expected = 0
        self._claiming: asyncio.Future[int] | None = None
        self._renewal: asyncio.TimerHandle | None = None
        self._execution = Execution(desk)
        self.over = asyncio.Event()
        """Set once nothing of it runs any more."""

    async def perform(self) -> None:
        """Take the job from its delivery to its settling."""
        try:
            try:
                if await self._load() and await self._admit():
                    while await self._execute():
                        pass
            except WrongSequence:
                await self._step_back()
        except UnreadableRecord as error:
            # Nobody can go on from it, and every delivery would come to this point.
            self._expected = error.sequence
            await self._reject(error)
        except InvalidInput as error:
            # Not even a record of its failure fits: the server takes less than when the job was submitted.
            self.spec = stand_in(self._delivery.subject)
            await self._reject(error)
        finally:
            if self._renewal is not None:
                self._renewal.cancel()
            self.over.set()

    def stop(self, why: Stop) -> None:
        """Stop the child, if there is one already, and let none begin."""
        self._execution.stop(why)

    async def still_ours(self) -> bool:
        """Return whether the job is ours after a gap in its lease; stop the child where another agent or a user has it.

        Before its claim is written nothing needs to be looked up: whoever wrote first is found out by that write.
        """
        if self._claiming is None or not self._claiming.done() or self._record.state is not State.RUNNING:
            return True
        snapshot = await load_record(self._desk.broker, self.group, self.index)
        if snapshot is None or snapshot.record.claim == str(self.claim):
            return True
        self.stop(Stop.FENCED)
        return False

    # load ---------------------------------------------------------------------------------------------------------

    async def _load(self) -> bool:
        try:
            self.spec = read_spec(self._delivery, self._spell)
        except (CorruptRecord, InvalidInput) as error:
            self.spec = stand_in(self._delivery.subject)
            await self._reject(error)
            return False
        self.id = self.spec.id
        return True

    def _spell(self, spec: Spec) -> str:
        return self._desk.broker.names.job(spec.queue, spec.priority, spec.group, spec.index)

    async def _reject(self, error: CorruptRecord | InvalidInput) -> None:
        """End the job with a record of its own: what is there, if anything, can't be gone on from."""
        self._record = queued(encode(self.spec))
        await self._conclude(Rejected(Failure(type(error).__name__, error.message)))

    # admit --------------------------------------------------------------------------------------------------------

    async def _admit(self) -> bool:
        """Return whether to run it; where not, all that is to be done is done."""
        if self._delivery.count > 1 or self._delivery.recheck or self._delivery.doubtful:
            snapshot = await load_record(self._desk.broker, self.group, self.index)
            if snapshot is not None:
                self._record, self._expected = snapshot.record, snapshot.sequence
        if self._record.state.final:
            await self._settle_ended()
            return False
        if self._record.state is State.RUNNING and not await self._take_over():
            return False
        if (at := start_at(self.spec, self._record)) is not None and (early := at - await self._time()) > timedelta(0):
            if early > EARLY:
                await self._postpone(at)
                return False
            await self._desk.broker.link.sleep(early.total_seconds())
        if self.spec.expires_at is not None and now() > self.spec.expires_at:
            await self._conclude(Expired())
            return False
        return True

    async def _take_over(self) -> bool:
        """The record says that it runs elsewhere: drop a copy, hand it over, or count the loss and take it."""
        desk, record = self._desk, self._record
        if await is_copy(desk.broker, record, self._delivery):
            await self._settle(ACK)
            return False
        if await hand_over(desk.broker, record, self.group, self.index, self._delivery):
            return False
        lost = Lost(record.agent or "an unnamed agent")
        if isinstance(self._decide(lost), Fail):
            await self._conclude(lost)
            return False
        self._record = count_ended(record, lost, now=now())
        return True

    # prepare, run -------------------------------------------------------------------------------------------------

    async def _execute(self) -> bool:
        """Run the job once, to its record; return whether it runs again at once, in the same slot."""
        seen_before = self._record.attempt > 0 or self._delivery.count > 1 or self._delivery.recheck
        self._record = start(self._record, agent=self._desk.name, claim=str(self.claim), now=now())
        self._claiming = None
        if seen_before:
            # It may have taken an agent with it, or have a second message in another's hands: this time it is written
            # down before it starts.
            self._begin_claim()
            await self._end_claim()
        command = await prepare_command(
            self._desk.broker,
            self.spec,
            attempt=self._record.attempt,
            claim=str(self.claim),
            environment=self._desk.environment,
        )
        if isinstance(command, NotStarted):
            await self._conclude(command)
            return False
        log = self._desk.broker.names.log(self.group, self.index, self._record.attempt)
        ended = await self._execution.run(self.spec, command, log=log, on_long=self._begin_claim)
        outcome = self._execution.outcome(ended)
        if outcome is None:
            self._free_slot()
            await self._execution.flush()
            raise WrongSequence
        outcome = await store_result(self._desk.broker, outcome)
        ended_at = await self._time() if self.spec.retries else now()
        verdict = self._decide(outcome, ended_at)
        again = isinstance(verdict, Retry) and verdict.at <= ended_at
        if not again:
            self._free_slot()
        output = await self._execution.flush()
        await self._end_claim()
        if again:
            self._record = count_ended(self._record, outcome, now=now())
        else:
            await self._conclude(outcome, verdict=verdict, output=output)
        return again

    def _begin_claim(self) -> None:
        """Start writing the `running` record: whoever else gets a delivery then knows who has the job."""
        if self._claiming is None:
            self._claim()

    def _claim(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
        if self._record.state is State.RUNNING:
            self._claiming = self._write(self._record)
            self._claiming.add_done_callback(self._check_claim)

    def _check_claim(self, claiming: asyncio.Future[int]) -> None:
        if claiming.cancelled() or self.over.is_set():
            return
        if claiming.exception() is not None:
            self._execution.stop(Stop.FENCED)
            return
        self._expected = claiming.result()
        self._renewal = claiming.get_loop().call_later(RENEW_S, self._claim)

    async def _end_claim(self) -> None:
        """Wait for the `running` record where one is being written: the next write must expect its sequence."""
        if self._claiming is not None:
            self._expected = await self._claiming

    # decide, record, settle ---------------------------------------------------------------------------------------

    async def _conclude(
        self, outcome: Outcome, *, verdict: Verdict | None = None, output: Output | None = None
    ) -> None:
        """Decide what follows, where that is not done yet; write it down; settle the delivery."""
        verdict = verdict or self._decide(outcome)
        last = self._record
        self._record = conclude(last, outcome, verdict, now=now(), output=output)
        if not isinstance(verdict, Return) or self._expected:
            try:
                self._expected = await self._write(self._record)
            except InvalidInput as error:
                verdict = Fail(Reason.ERROR)
                self._record = conclude(last, describe_misfit(error), verdict, now=now(), output=output)
                self._expected = await self._write(self._record)
        match verdict:
            case Retry(at):
                await self._postpone(at)
            case Return():
                await self._settle(GIVE_BACK_LATER if isinstance(outcome, Lost) else GIVE_BACK)
            case _:
                await self._settle_ended()

    async def _time(self) -> datetime:
        return await load_time(self._desk, self._delivery)

    def _decide(self, outcome: Outcome, ended_at: datetime | None = None) -> Verdict:
        return decide(
            self.spec,
            attempt=self._record.counted,
            losses=self._record.losses + isinstance(outcome, Lost),
            outcome=outcome,
            now=ended_at or now(),
            draw=random.random(),  # noqa: S311  (spreads retries; no secret)
        )

    async def _postpone(self, at: datetime) -> None:
        self._free_slot()
        await wait_at_broker(self._desk, self._delivery, at)
        await self._settle(ACK)

    def _write(self, record: Record) -> asyncio.Future[int]:
        return self._desk.reporter.write(Write(self.group, self.index, encode(record), self._expected))

    async def _settle(self, how: bytes) -> None:
        await self._desk.broker.link.publish(self.settle, how)

    async def _settle_ended(self) -> None:
        """Settle the delivery of a job that has ended; its schedule's next run may have waited for that."""
        if self.spec.schedule is not None:
            await tell_schedule(self._desk.broker, self.spec.schedule)
        await self._settle(ACK)

    async def _step_back(self) -> None:
        """Somebody else wrote the record. Where the job has ended, its message goes; else the other one has it."""
        snapshot = await load_record(self._desk.broker, self.group, self.index)
        if snapshot is not None and snapshot.record.state.final:
            await self._settle_ended()
