"""The record of a job that runs for long."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from tests.integration.agent.test_made_up import make_spec
from tqcli.agent import attempt as module
from tqcli.agent.attempt import Attempt
from tqcli.agent.desk import Desk
from tqcli.agent.printing import LogSender
from tqcli.agent.reporting import Reporter
from tqcli.core.codec import encode_spec
from tqcli.core.spec import Shell
from tqcli.core.state import State
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.clock import BrokerClock
from tqcli.jetstream.connection import connect
from tqcli.jetstream.pull import Delivery
from tqcli.jetstream.records import Snapshot, load_record
from tqcli.process.pool import RunnerPool

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.stage import Stage


def test_the_record_of_a_running_job_does_not_age_out(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written again as long as the job runs, and the job's end goes on from the last time."""
    monkeypatch.setattr(module, "RENEW_S", 0.05)
    mark = tmp_path / "enough"
    spec = make_spec(work=Shell((f"while ! test -e {mark}; do sleep 0.05; done",), line=True))
    subject = stage.names.job(spec.queue, spec.priority, spec.group, 0)
    delivery = Delivery(subject, f"{stage.names.namespace}.nobody", encode_spec(spec), 1, 1, recheck=False)

    async def scenario() -> list[Snapshot]:
        link = await connect(stage.endpoint)
        broker = Broker(link, stage.names)
        reporter = Reporter(broker, batch_prefix="a", say=print)
        async with RunnerPool() as runners:
            runners.start()
            reporting = asyncio.create_task(reporter.run())
            clock = BrokerClock(link, broker.names.timers)
            desk = Desk("a", broker, reporter, LogSender(broker), runners, dict(os.environ), clock)
            attempt = Attempt(desk, delivery, lambda: None)
            performing = asyncio.create_task(attempt.perform())
            seen: dict[int, Snapshot] = {}
            async with asyncio.timeout(20):
                while len(seen) < 3:
                    if snapshot := await load_record(broker, spec.group, 0):
                        seen[snapshot.sequence] = snapshot
                mark.touch()
                await performing
            last = await load_record(broker, spec.group, 0)
            assert last is not None
            reporting.cancel()
        await link.close()
        return [*seen.values(), last]

    *running, last = asyncio.run(scenario())
    assert {(one.record.state, one.record.attempt, one.record.claim) for one in running} == {
        (State.RUNNING, 1, running[0].record.claim)
    }
    assert (last.record.state, last.record.attempt) == (State.SUCCEEDED, 1)
