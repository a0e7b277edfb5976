"""What happens to a job in an agent's hands, from its delivery to its settling.

::

    load      the message's bytes → a spec; what can't be read is rejected
    admit     is it ours to run? it may have ended, be running elsewhere, wait for its retry, or be too late
    prepare   directory, environment, standard input
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
from enum import Enum, auto
from typing import TYPE_CHECKING

from tqcli.agent.desk import now
from tqcli.agent.handover import hand_over, is_copy
from tqcli.agent.printing import LogPump
from tqcli.agent.unreadable import stand_in
from tqcli.agent.workplace import Workplace, prepare_workplace
from tqcli.core.check import check_spec
from tqcli.core.claim import Claim
from tqcli.core.codec import decode_spec, encode
from tqcli.core.conclusion import check_result, conclude, count_ended
from tqcli.core.ids import JobId
from tqcli.core.outcome import Expired, Failure, Interrupted, Lost, NotStarted, Outcome, Rejected, TimedOut
from tqcli.core.record import Output, Record, queued, start
from tqcli.core.state import State
from tqcli.core.verdict import Fail, Retry, Return, Verdict, decide
from tqcli.errors import CorruptRecord, InvalidInput
from tqcli.jetstream.api import WrongSequence
from tqcli.jetstream.pull import ACK, GIVE_BACK
from tqcli.jetstream.records import Write, load_record
from tqcli.jetstream.subjects import split_job_subject
from tqcli.jetstream.timers import set_timer
from tqcli.process.child import Ended, RunnerLost
from tqcli.process.python import parse_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from tqcli.agent.desk import Desk
    from tqcli.core.spec import Spec
    from tqcli.jetstream.pull import Delivery
    from tqcli.process.child import Runner

CLAIM_AFTER_S = 0.03
"""An attempt that ends sooner costs one record, not two."""

EARLY = timedelta(milliseconds=50)
NO_PROCESS_PAUSE_S = 1.0
FENCED_GRACE = timedelta(seconds=1)
"""Whoever lost the job may run it no longer than it takes to stop it: somebody else is starting it."""


class Stop(Enum):
    """Why a child is stopped before it ended by itself."""

    TIMEOUT = auto()
    CANCELLED = auto()
    FENCED = auto()
    SHUTDOWN = auto()


class Attempt:
    """One delivery of a job. `settle` is where its lease is extended and ended; a handover may replace it."""

    spec: Spec

    def __init__(self, desk: Desk, delivery: Delivery, free_slot: Callable[[], None]) -> None:
        """Nothing happens before `perform`; `free_slot` is called when the job needs its slot no more."""
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
        self._runner: Runner | None = None
        self._stopped: Stop | None = None

    @property
    def claimed(self) -> bool:
        """Whether the record names this attempt as the holder."""
        return self._claiming is not None and self._claiming.done() and self._record.state is State.RUNNING

    async def perform(self) -> None:
        """Take the job from its delivery to its settling."""
        try:
            if await self._load() and await self._admit():
                while await self._execute():
                    pass
        except WrongSequence:
            await self._step_back()

    def stop(self, why: Stop) -> None:
        """Stop the child; the first reason counts, except that a lost fence beats all."""
        if self._stopped is None or why is Stop.FENCED:
            self._stopped = why
        if self._runner is not None:
            grace = min(self.spec.grace, FENCED_GRACE) if self._stopped is Stop.FENCED else self.spec.grace
            self._runner.stop(grace)

    # load ---------------------------------------------------------------------------------------------------------

    async def _load(self) -> bool:
        try:
            self.spec = decode_spec(self._delivery.body)
            check_spec(self.spec)
            self.id = self.spec.id
        except (CorruptRecord, InvalidInput) as error:
            self.spec = stand_in(self._delivery.subject)
            self._record = queued(encode(self.spec))
            await self._conclude(Rejected(Failure(type(error).__name__, error.message)))
            return False
        return True

    # admit --------------------------------------------------------------------------------------------------------

    async def _admit(self) -> bool:
        """Return whether to run it; where not, all that is to be done is done."""
        if self._delivery.count > 1 or self._delivery.recheck:
            snapshot = await load_record(self._desk.broker, self.group, self.index)
            if snapshot is not None:
                self._record, self._expected = snapshot.record, snapshot.sequence
        if self._record.state.final:
            await self._settle(ACK)
            return False
        if self._record.state is State.RUNNING and not await self._take_over():
            return False
        if self._record.state is State.RETRYING and (at := self._record.retry_at) and at - now() > EARLY:
            await self._wait_in_broker(Retry(at))
            return False
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
        seen_before = self._record.attempt > 0 or self._delivery.count > 1
        self._record = start(self._record, agent=self._desk.name, claim=str(self.claim), now=now())
        self._claiming = None
        if seen_before:
            # It may have taken an agent with it: this time it is written down before it starts.
            self._begin_claim()
            await self._end_claim()
        workplace = await prepare_workplace(
            self._desk.broker,
            self.spec,
            attempt=self._record.attempt,
            claim=str(self.claim),
            environment=self._desk.environment,
        )
        if isinstance(workplace, NotStarted):
            await self._conclude(workplace)
            return False
        try:
            ended, pump = await self._run(workplace)
        finally:
            workplace.clear()
        outcome = self._outcome(ended)
        if outcome is None:
            self._free_slot()
            await self._finish(pump)
            raise WrongSequence
        verdict = self._decide(outcome)
        if isinstance(verdict, Retry) and verdict.at <= now():
            await self._finish(pump)
            self._record = count_ended(self._record, outcome, now=now())
            return True
        self._free_slot()
        await self._conclude(outcome, verdict=verdict, output=await self._finish(pump))
        return False

    async def _run(self, workplace: Workplace) -> tuple[Ended, LogPump]:
        desk, loop = self._desk, asyncio.get_running_loop()
        runner = await self._acquire_runner()
        subject = desk.broker.names.log(self.group, self.index, self._record.attempt)
        pump = LogPump(desk.broker, subject, on_caught_up=runner.resume)
        timers = [loop.call_later(CLAIM_AFTER_S, self._begin_claim)]
        if self.spec.timeout is not None:
            timers.append(loop.call_later(self.spec.timeout.total_seconds(), self.stop, Stop.TIMEOUT))
        self._runner = runner
        try:
            if self._stopped is None:
                ended = await runner.run(workplace.command, on_output=pump.feed)
            else:
                ended = Ended(RunnerLost("it was stopped before it began"))
        finally:
            self._runner = None
            desk.runners.release(runner)
            for timer in timers:
                timer.cancel()
        return ended, pump

    async def _acquire_runner(self) -> Runner:
        """Return a runner, when the host has processes and descriptors for one."""
        while True:
            try:
                return await self._desk.runners.acquire()
            except OSError:
                await asyncio.sleep(NO_PROCESS_PAUSE_S)

    async def _finish(self, pump: LogPump) -> Output | None:
        """Wait until what the attempt printed is stored, and its `running` record, where one is being written."""
        output = await pump.close()
        await self._end_claim()
        return output

    def _outcome(self, ended: Ended) -> Outcome | None:
        """Return what the attempt did, in the light of why it was stopped; None: the job is not ours any more."""
        match self._stopped:
            case Stop.CANCELLED | Stop.FENCED:
                return None
            case Stop.SHUTDOWN:
                return Interrupted()
            case Stop.TIMEOUT:
                self._stopped = None
                return TimedOut()
            case None:
                pass
        outcome = parse_result(ended)
        return Lost(self._desk.name) if isinstance(outcome, RunnerLost) else check_result(outcome)

    def _begin_claim(self) -> None:
        """Start writing the `running` record: whoever else gets a delivery then knows who has the job."""
        if self._claiming is None:
            self._claiming = self._write(self._record)
            self._claiming.add_done_callback(self._check_claim)

    def _check_claim(self, claiming: asyncio.Future[int]) -> None:
        if not claiming.cancelled() and claiming.exception() is not None:
            self.stop(Stop.FENCED)

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
        self._record = conclude(self._record, outcome, verdict, now=now(), output=output)
        if not isinstance(verdict, Return) or self._expected:
            self._expected = await self._write(self._record)
        match verdict:
            case Retry():
                await self._wait_in_broker(verdict)
            case Return():
                await self._settle(GIVE_BACK)
            case _:
                await self._settle(ACK)

    def _decide(self, outcome: Outcome) -> Verdict:
        return decide(
            self.spec,
            attempt=self._record.counted,
            losses=self._record.losses + isinstance(outcome, Lost),
            outcome=outcome,
            now=now(),
            draw=random.random(),  # noqa: S311  (spreads retries; no secret)
        )

    async def _wait_in_broker(self, retry: Retry) -> None:
        """Let the broker hold the job until its time: it needs no slot and no agent for that."""
        await set_timer(self._desk.broker, self.group, self.index, self._delivery.body, at=retry.at)
        await self._settle(ACK)

    def _write(self, record: Record) -> asyncio.Future[int]:
        return self._desk.reporter.write(Write(self.group, self.index, encode(record), self._expected))

    async def _settle(self, how: bytes) -> None:
        await self._desk.broker.link.publish(self.settle, how)

    async def _step_back(self) -> None:
        """Somebody else wrote the record. Where the job has ended, its message goes; else the other one has it."""
        snapshot = await load_record(self._desk.broker, self.group, self.index)
        if snapshot is not None and snapshot.record.state.final:
            await self._settle(ACK)
