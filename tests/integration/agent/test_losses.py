"""Agents that die, freeze or lose their server in the middle of a job."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.agent.test_attempts import shell
from tests.integration.agent.test_steering import wait_until_running
from tests.support.agents import AgentProcess, read_record, wait_until_final
from tests.support.eventually import eventually
from tests.support.stage import Stage
from tqcli.core.codec import encode_spec
from tqcli.core.ids import JobId
from tqcli.core.state import Reason, State
from tqcli.jetstream.enqueue import Item, enqueue
from tqcli.jetstream.presence import read_agents

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.agent.conftest import StartAgent
    from tests.support.server import NatsServer


def is_alive(pid: int) -> bool:
    """Return whether the process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_job_runs_again_within_ten_seconds_of_its_agents_death(
    stage: Stage, start_agent: StartAgent, tmp_path: Path
) -> None:
    """Kill -9 of the agent: its child dies with it, another agent runs the job, the loss is counted apart."""
    pids = tmp_path / "pids"
    agent = start_agent()
    spec = stage.submit(work=shell(f'echo $$ >> {pids}; test "$TQ_ATTEMPT" = 2 || sleep 60'))
    wait_until_running(stage, spec)
    other = start_agent()
    agent.kill()
    eventually(lambda: not is_alive(int(pids.read_text().split()[0])), 3)
    record = wait_until_final(stage, spec, 10)
    assert (record.state, record.attempt, record.losses, record.counted) == (State.SUCCEEDED, 2, 1, 1)
    assert record.agent == other.name
    assert record.attempts[0].ended == "lost"


def test_a_job_that_kills_its_agents_ends_as_lost(stage: Stage, start_agent: StartAgent) -> None:
    """A poison job can't walk through the fleet: beyond `max_losses` its end is recorded, with the agents' names."""
    spec = stage.submit(work=shell("sleep 60"), max_losses=0)
    agent = start_agent()
    wait_until_running(stage, spec)
    agent.kill()
    start_agent()
    record = wait_until_final(stage, spec, 15)
    assert (record.state, record.reason, record.losses) == (State.FAILED, Reason.LOST, 1)
    assert record.error is not None
    assert agent.name in record.error.message


def test_a_restarted_server_disturbs_no_running_job(fresh_server: NatsServer, tmp_path: Path) -> None:
    """It redelivers every running job at once; its holder takes it over, and the job runs once.

    Nor does a pause before it: what an agent wants to say meanwhile is given up after 5 s.
    """
    stage = Stage(fresh_server.endpoint, "tq")
    stage.open("default")
    runs = tmp_path / "runs"
    with AgentProcess(stage, tmp_path) as first, AgentProcess(stage, tmp_path) as second:
        spec = stage.submit(work=shell(f"echo run >> {runs}; sleep 14; echo end >> {runs}"))
        wait_until_running(stage, spec)
        fresh_server.kill()
        back_at = time.monotonic() + 7
        eventually(lambda: time.monotonic() > back_at, 10)
        assert (first.process.poll(), second.process.poll()) == (None, None)
        fresh_server.start()
        eventually(lambda: len(stage.run(read_agents(stage.broker))) == 2, 15)
        record = wait_until_final(stage, spec, 40)
    stage.close()
    assert (record.state, record.attempt, record.losses) == (State.SUCCEEDED, 1, 0)
    assert runs.read_text().split() == ["run", "end"]


def test_a_frozen_agent_that_wakes_up_stops_its_child(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """Whoever lost the job learns it from the record, stops the child, and writes nothing."""
    pids = tmp_path / "pids"
    agent = start_agent()
    spec = stage.submit(work=shell(f'echo $$ >> {pids}; test "$TQ_ATTEMPT" = 2 || sleep 60'))
    wait_until_running(stage, spec)
    start_agent()
    agent.signal(signal.SIGSTOP)
    record = wait_until_final(stage, spec, 20)
    assert (record.state, record.attempt, record.losses) == (State.SUCCEEDED, 2, 1)
    stale = int(pids.read_text().split()[0])
    assert is_alive(stale)
    agent.signal(signal.SIGCONT)
    eventually(lambda: not is_alive(stale), 10)
    assert read_record(stage, spec) == record


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "after its end"])
def test_a_copy_of_a_job_runs_nothing(stage: Stage, start_agent: StartAgent, tmp_path: Path, *, running: bool) -> None:
    """A repeated submit that JetStream took for new (H2) is dropped: the job ran, or is running."""
    runs = tmp_path / "runs"
    start_agent()
    spec = stage.submit(work=shell(f"echo run >> {runs}; sleep 1"))
    wait_until_running(stage, spec) if running else wait_until_final(stage, spec)
    subject = stage.names.job("default", "normal", spec.group, 0)
    stage.run(enqueue(stage.broker, Item(subject, f"{JobId(spec.group)}-again", encode_spec(spec)), recheck=True))
    assert wait_until_final(stage, spec).state is State.SUCCEEDED
    wait_until_final(stage, stage.submit(work=shell("true"), priority="low"))
    assert runs.read_text().split() == ["run"]
