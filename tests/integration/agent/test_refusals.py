"""Records that the server does not take: too large for it, or from a user who may not write them."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from tests.support.agents import AgentProcess, read_record, wait_until_final
from tests.support.eventually import eventually
from tests.support.server import NatsServer
from tests.support.stage import Stage
from tqcli.core.spec import Python, Shell
from tqcli.core.state import Reason, State
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from pathlib import Path

    from tqcli.core.endpoint import Endpoint

SMALL = "max_payload: 65536"
PASSWORD = secrets.token_hex(8)
USER = f'{{user: b, password: "{PASSWORD}"}}'


def log_in(server: NatsServer, user: str) -> Endpoint:
    """Return how this user reaches the server."""
    return msgspec.structs.replace(server.endpoint, user=user, password=PASSWORD)


def test_a_server_with_too_small_messages_is_a_wrong_setting(tmp_path: Path) -> None:
    """The agent says at its start what it needs, and where to set it."""
    with NatsServer(config=SMALL) as server:
        endpoint = tmp_path / "endpoint.json"
        endpoint.write_bytes(msgspec.json.encode(server.endpoint))
        command = [sys.executable, "-m", "tqcli.agent", "--endpoint-file", str(endpoint), "--name", "a"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 78
    assert "takes messages of up to 65,536 bytes; the record of a job may have 1,025,024" in done.stderr


def test_a_record_that_no_longer_fits_ends_the_job_all_the_same(fresh_server: NatsServer, tmp_path: Path) -> None:
    """Without the result, where that is too large; where the spec is, as rejected."""
    stage = Stage(fresh_server.endpoint, "tq")
    stage.open("default")
    with AgentProcess(stage, tmp_path) as agent:
        agent.signal(signal.SIGSTOP)
        result = stage.submit(work=Python("operator:mul", args=msgspec.Raw(b'["x", 100000]')))
        large = stage.submit(work=Shell((f": {'x' * 70_000}",), line=True))
        fresh_server.reload(SMALL)
        fresh_server.restart()
        agent.signal(signal.SIGCONT)
        record = wait_until_final(stage, result)
        assert record.error is not None
        assert (record.state, record.reason) == (State.FAILED, Reason.ERROR)
        assert "the result does not fit" in record.error.message
        record = wait_until_final(stage, large)
        assert (record.state, record.reason) == (State.FAILED, Reason.REJECTED)
        eventually(lambda: stage.run(stream_state(stage.link, stage.names.jobs))["messages"] == 0, 5)
    stage.close()


def test_a_record_waits_until_its_agent_may_write_it(tmp_path: Path) -> None:
    """Permissions that are mended bring the job's only end to light; it does not run again meanwhile."""
    users = 'authorization: {{users: [{{user: a, password: "{}", permissions: {{publish: {{deny: "{}"}}}}}}, {}]}}'
    runs = tmp_path / "runs"
    with NatsServer(config=users.format(PASSWORD, "tq.record.>", USER)) as server:
        stage = Stage(log_in(server, "b"), "tq")
        stage.open("default")
        agents = Stage(log_in(server, "a"), "tq")
        with AgentProcess(agents, tmp_path) as agent:
            spec = stage.submit(work=Shell((f"echo run >> {runs}",), line=True))
            eventually(lambda: "waits" in agent.log.read_text(), 10)
            assert read_record(stage, spec) is None
            server.reload(users.format(PASSWORD, "nothing", USER))
            assert wait_until_final(stage, spec).state is State.SUCCEEDED
        agents.close()
        stage.close()
    assert runs.read_text().split() == ["run"]
