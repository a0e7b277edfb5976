"""An agent that was cut off, and is back: what it held may not be its own any more."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from tests.chaos.proxy import Lines, Proxy
from tests.integration.agent.test_attempts import shell
from tests.integration.agent.test_losses import is_alive
from tests.integration.agent.test_steering import wait_until_running
from tests.support.agents import AgentProcess, wait_until_final
from tests.support.eventually import eventually
from tests.support.stage import Stage
from tqcli.client.cancel import cancel
from tqcli.core.state import State
from tqcli.jetstream.topology import consumer_info

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.server import NatsServer
    from tqcli.core.spec import Spec


@contextmanager
def far_agent(stage: Stage, server: NatsServer, folder: Path) -> Iterator[tuple[AgentProcess, Proxy]]:
    """Give an agent that reaches the server over a line of its own, and that line."""
    with Lines() as lines:
        line = lines.open(server.port)
        endpoint = msgspec.structs.replace(stage.endpoint, servers=(f"nats://127.0.0.1:{line.port}",))
        far = Stage(endpoint, stage.names.namespace)
        with AgentProcess(far, folder) as agent:
            yield agent, line
        far.close()


def start_sleeper(stage: Stage, pids: Path) -> Spec:
    """Return a job that runs, and has written its process id there; so does each later run of it."""
    spec = stage.submit(work=shell(f"echo $$ >> {pids}; exec sleep 60"))
    wait_until_running(stage, spec)
    eventually(lambda: pids.exists() and pids.read_text(), 10)
    return spec


def test_who_comes_back_too_late_gives_its_job_up(fresh_server: NatsServer, tmp_path: Path) -> None:
    """Whatever its own clock says of its lease: the restart ended it, and another agent has the job."""
    pids = tmp_path / "pids"
    stage = Stage(fresh_server.endpoint, "tq")
    stage.open("default")
    with far_agent(stage, fresh_server, tmp_path) as (_, line):
        start_sleeper(stage, pids)
        with AgentProcess(stage, tmp_path):
            line.swallow()
            fresh_server.restart()
            eventually(lambda: len(pids.read_text().split()) == 2, 20)
            line.restore()
            first, second = map(int, pids.read_text().split())
            eventually(lambda: not is_alive(first), 10)
            assert is_alive(second)
    stage.close()


def test_a_job_that_was_cancelled_meanwhile_is_stopped(fresh_server: NatsServer, tmp_path: Path) -> None:
    """Within a second of the agent's being back, though nobody could tell it and its lease never ended."""
    pids = tmp_path / "pids"
    stage = Stage(fresh_server.endpoint, "tq")
    stage.open("default")
    with far_agent(stage, fresh_server, tmp_path) as (agent, line):
        spec = start_sleeper(stage, pids)
        line.swallow()
        line.cut()
        stage.run(cancel(stage.broker, spec.id))
        line.restore()
        eventually(lambda: "again" in agent.log.read_text(), 10)
        eventually(lambda: not is_alive(int(pids.read_text())), 2)
    stage.close()


def test_a_delivery_that_comes_late_starts_no_job_that_has_ended(fresh_server: NatsServer, tmp_path: Path) -> None:
    """It lay in the line for longer than its lease; meanwhile another agent got the job, and ended it."""
    runs = tmp_path / "runs"
    stage = Stage(fresh_server.endpoint, "tq")
    stage.open("default")
    with far_agent(stage, fresh_server, tmp_path) as (agent, line):
        consumer = stage.names.queue_consumer("default", "normal")
        look = partial(consumer_info, stage.link, stage.names.jobs, consumer)
        eventually(lambda: stage.run(look())["num_waiting"] == 1, 10)
        line.swallow()
        spec = stage.submit(work=shell(f"echo run >> {runs}"))
        eventually(lambda: stage.run(look())["num_ack_pending"] == 1, 5)
        with AgentProcess(stage, tmp_path):
            assert wait_until_final(stage, spec, 15).state is State.SUCCEEDED
        line.restore()
        other = stage.submit(work=shell(f"echo other >> {runs}"))
        assert wait_until_final(stage, other, 30).agent == agent.name
    stage.close()
    assert runs.read_text().split() == ["run", "other"]
