"""Priorities, limits, cancelling, draining: what users steer while agents work."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.agent.test_attempts import printed, shell
from tests.support.agents import read_record, wait_until_final
from tests.support.eventually import eventually
from tqcli.client.cancel import cancel
from tqcli.client.queues import list_queues
from tqcli.core.spec import Shell
from tqcli.core.state import State
from tqcli.jetstream.api import call
from tqcli.jetstream.limits import remove_limit, set_limit
from tqcli.jetstream.logs import STDOUT
from tqcli.jetstream.presence import read_agents
from tqcli.jetstream.topology import consumer_config, consumer_info

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.agent.conftest import StartAgent
    from tests.support.stage import Stage
    from tqcli.core.spec import Spec


def wait_until_running(stage: Stage, spec: Spec) -> None:
    """Return when the job's record says that it runs."""
    eventually(lambda: (record := read_record(stage, spec)) and record.state is State.RUNNING, 10)


def test_priority_orders_starts(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """With one slot, high jobs start before normal ones before low ones, whatever came first."""
    start_agent(slots=1)
    order = tmp_path / "order"
    blocker = stage.submit(work=Shell(("sleep", "1")))
    wait_until_running(stage, blocker)
    specs = [
        stage.submit(work=shell(f"echo {level} >> {order}"), priority=level)
        for level in ("low", "normal", "high", "low", "high")
    ]
    for spec in specs:
        wait_until_final(stage, spec)
    assert order.read_text().split() == ["high", "high", "normal", "low", "low"]


def test_a_limit_holds_across_agents(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """Two agents with eight slots run no more than three jobs of a limited queue at once, and no fewer."""
    stage.run(set_limit(stage.broker, "default", 3))
    start_agent(slots=4)
    start_agent(slots=4)
    ledger = tmp_path / "ledger"
    specs = stage.submit_group(
        range(24), work=shell(f"echo + >> {ledger}; sleep 0.3; echo - >> {ledger}"), priority="normal"
    )
    specs += stage.submit_group(
        range(6), work=shell(f"echo + >> {ledger}; sleep 0.3; echo - >> {ledger}"), priority="high"
    )
    for spec in specs:
        assert wait_until_final(stage, spec, 40).state is State.SUCCEEDED
    running = most = 0
    for mark in ledger.read_text().split():
        running += 1 if mark == "+" else -1
        most = max(most, running)
    assert most == 3


def test_a_queue_that_cant_be_served_holds_up_no_other(stage: Stage, start_agent: StartAgent) -> None:
    """Somebody changed one of its consumers and deleted another: the agent says so, once, and serves the rest."""
    agent = start_agent(queues=("broken", "default"))
    jobs, changed = stage.names.jobs, stage.names.queue_consumer("broken", "high")
    config = consumer_config(changed, stage.names.jobs_of("broken", "high")) | {"ack_wait": 10**9}

    async def meddle() -> None:
        body = {"stream_name": jobs, "config": config, "action": "update"}
        await call(stage.link, f"CONSUMER.CREATE.{jobs}.{changed}.{config['filter_subject']}", body)
        await call(stage.link, f"CONSUMER.DELETE.{jobs}.{stage.names.queue_consumer('broken', 'normal')}")

    stage.run(meddle())
    eventually(lambda: "queue broken: consumer broken-high" in agent.log.read_text(), 10)
    for _ in range(3):
        assert wait_until_final(stage, stage.submit(work=Shell(("true",))), 10).state is State.SUCCEEDED
    assert agent.log.read_text().count("queue broken") == 1


def test_a_limit_can_go_while_jobs_wait(stage: Stage, start_agent: StartAgent) -> None:
    """Without its limit the queue uses every slot again."""
    stage.run(set_limit(stage.broker, "default", 1))
    start_agent(slots=4)
    specs = stage.submit_group(range(4), work=Shell(("sleep", "2")))
    eventually(lambda: any((r := read_record(stage, spec)) and r.state is State.RUNNING for spec in specs), 10)
    stage.run(remove_limit(stage.broker, "default"))
    records = [wait_until_final(stage, spec, 20) for spec in specs]
    ends = sorted(record.finished_at for record in records if record.finished_at)
    assert ends[-1] - ends[1] < timedelta(seconds=1.5)


def test_a_dead_agent_gives_its_tickets_back(stage: Stage, start_agent: StartAgent) -> None:
    """The share of a limit that a killed agent held is free again when its lease ends."""
    stage.run(set_limit(stage.broker, "default", 1))
    agent = start_agent()
    first = stage.submit(work=Shell(("sleep", "60")))
    wait_until_running(stage, first)
    start_agent()
    second = stage.submit(work=Shell(("true",)))
    agent.kill()
    wait_until_running(stage, first)
    stage.run(cancel(stage.broker, first.id))
    assert wait_until_final(stage, second, 30).state is State.SUCCEEDED


def test_cancelling_a_running_job_stops_it(stage: Stage, start_agent: StartAgent) -> None:
    """The child gets TERM, what it then prints is kept, the record stays cancelled, and the slot is free."""
    start_agent(slots=1)
    spec = stage.submit(work=shell("trap 'echo bye; exit 0' TERM; echo on; while :; do sleep 0.1; done"))
    eventually(lambda: printed(stage, spec, STDOUT) == b"on\n", 10)
    stage.run(cancel(stage.broker, spec.id))
    eventually(lambda: printed(stage, spec, STDOUT) == b"on\nbye\n", 5)
    assert wait_until_final(stage, stage.submit(work=Shell(("true",))), 5).state is State.SUCCEEDED
    assert wait_until_final(stage, spec).state is State.CANCELLED


def test_a_queued_job_that_is_cancelled_never_runs(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """Cancelled while every agent is away, it stays cancelled when one comes."""
    mark = tmp_path / "ran"
    spec = stage.submit(work=Shell(("touch", str(mark))))
    stage.run(cancel(stage.broker, spec.id))
    start_agent()
    assert wait_until_final(stage, stage.submit(work=Shell(("true",)))).state is State.SUCCEEDED
    assert wait_until_final(stage, spec).state is State.CANCELLED
    assert not mark.exists()


def test_term_drains_an_agent(stage: Stage, start_agent: StartAgent) -> None:
    """What runs ends, what waits stays for others, and the agent's entry is gone."""
    agent = start_agent(slots=1)
    running = stage.submit(work=Shell(("sleep", "1")))
    wait_until_running(stage, running)
    waiting = stage.submit(work=Shell(("true",)))
    assert agent.leave() == 0
    assert wait_until_final(stage, running).state is State.SUCCEEDED
    assert read_record(stage, waiting) is None
    assert stage.run(read_agents(stage.broker)) == []
    start_agent()
    assert wait_until_final(stage, waiting).state is State.SUCCEEDED


@pytest.mark.parametrize("limited", [True, False])
def test_a_draining_agent_takes_nothing(stage: Stage, start_agent: StartAgent, *, limited: bool) -> None:
    """Neither a job, for which its request still waits at the server, nor a ticket of the queue's limit."""
    if limited:
        stage.run(set_limit(stage.broker, "default", 1))
    leaving = start_agent(slots=2, queues=("default", "other"))
    running = stage.submit(queue="other", work=Shell(("sleep", "60")))
    wait_until_running(stage, running)
    leaving.signal(signal.SIGTERM)
    consumer = stage.names.queue_consumer("default", "normal")

    def look() -> dict[str, Any]:
        return stage.run(consumer_info(stage.link, stage.names.jobs, consumer))

    eventually(lambda: "draining" in leaving.log.read_text() and look()["num_waiting"] == 0, 5)
    waiting = stage.submit(work=Shell(("true",)))
    # The consumer counts a message a moment after its PubAck.
    eventually(lambda: [one.queued for one in stage.run(list_queues(stage.broker)) if one.name == "default"] == [1], 5)
    assert look()["num_ack_pending"] == 0
    start_agent()
    assert wait_until_final(stage, waiting, 10).state is State.SUCCEEDED
    record = read_record(stage, running)
    assert record is not None
    assert record.state is State.RUNNING


def test_a_second_term_gives_jobs_back_uncounted(stage: Stage, start_agent: StartAgent) -> None:
    """A stopped job runs elsewhere within seconds, and the stop is no failure of its own."""
    agent = start_agent(slots=1)
    spec = stage.submit(work=shell('test "$TQ_ATTEMPT" = 2 || sleep 60'))
    wait_until_running(stage, spec)
    agent.signal(signal.SIGTERM)
    eventually(lambda: "draining" in agent.log.read_text(), 5)
    agent.signal(signal.SIGTERM)
    assert agent.process.wait(15) == 0
    start_agent()
    record = wait_until_final(stage, spec, 10)
    assert (record.state, record.attempt, record.interruptions) == (State.SUCCEEDED, 2, 1)


def test_agents_say_who_they_are(stage: Stage, start_agent: StartAgent) -> None:
    """Name, slots, queues and, within a second, what runs are there for everybody to read."""
    agent = start_agent(slots=3)
    (presence,) = eventually(lambda: stage.run(read_agents(stage.broker)), 5)
    assert (presence.name, presence.slots, presence.queues) == (agent.name, 3, ("default",))
    spec = stage.submit(work=Shell(("sleep", "60")))
    eventually(lambda: stage.run(read_agents(stage.broker))[0].running == (str(spec.id),), 2)


def test_two_agents_of_one_name_are_refused(start_agent: StartAgent, tmp_path: Path) -> None:
    """They would answer for each other's jobs; the second says so and leaves with the code of a conflict."""
    agent = start_agent()
    command = [sys.executable, "-m", "tqcli.agent", "--endpoint-file", str(tmp_path / f"{agent.name}.json")]
    second = subprocess.run([*command, "--name", agent.name], capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 4
    assert f"an agent named {agent.name} is at work already" in second.stderr
