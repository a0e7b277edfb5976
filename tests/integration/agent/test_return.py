"""An agent that was cut off, and is back: what it held may not be its own any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.chaos.proxy import Lines
from tests.integration.agent.test_attempts import shell
from tests.integration.agent.test_losses import is_alive
from tests.integration.agent.test_steering import wait_until_running
from tests.support.agents import AgentProcess
from tests.support.eventually import eventually
from tests.support.stage import Stage
from tqcli.client.cancel import cancel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.server import NatsServer


def test_who_comes_back_too_late_gives_its_job_up(fresh_server: NatsServer, tmp_path: Path) -> None:
    """Whatever its own clock says of its lease: the restart ended it, and another agent has the job."""
    pids = tmp_path / "pids"
    stage = Stage(fresh_server.endpoint, "tq")
    stage.open("default")
    with Lines() as lines:
        line = lines.open(fresh_server.port)
        far = Stage(msgspec.structs.replace(fresh_server.endpoint, servers=(f"nats://127.0.0.1:{line.port}",)), "tq")
        with AgentProcess(far, tmp_path):
            spec = stage.submit(work=shell(f"echo $$ >> {pids}; exec sleep 60"))
            wait_until_running(stage, spec)
            with AgentProcess(stage, tmp_path):
                line.swallow()
                fresh_server.restart()
                eventually(lambda: pids.exists() and len(pids.read_text().split()) == 2, 20)
                line.restore()
                first, second = map(int, pids.read_text().split())
                eventually(lambda: not is_alive(first), 10)
                assert is_alive(second)
        far.close()
    stage.close()


def test_a_job_that_was_cancelled_meanwhile_is_stopped(fresh_server: NatsServer, tmp_path: Path) -> None:
    """Within a second of the agent's being back, though nobody could tell it and its lease never ended."""
    pids = tmp_path / "pids"
    stage = Stage(fresh_server.endpoint, "tq")
    stage.open("default")
    with Lines() as lines:
        line = lines.open(fresh_server.port)
        far = Stage(msgspec.structs.replace(fresh_server.endpoint, servers=(f"nats://127.0.0.1:{line.port}",)), "tq")
        with AgentProcess(far, tmp_path) as agent:
            spec = stage.submit(work=shell(f"echo $$ >> {pids}; exec sleep 60"))
            wait_until_running(stage, spec)
            pid = int(eventually(lambda: pids.exists() and pids.read_text(), 10))
            line.swallow()
            line.cut()
            stage.run(cancel(stage.broker, spec.id))
            line.restore()
            eventually(lambda: "again" in agent.log.read_text(), 10)
            eventually(lambda: not is_alive(pid), 2)
        far.close()
    stage.close()
