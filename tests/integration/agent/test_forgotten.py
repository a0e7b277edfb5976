"""A server that was killed may not know any more what it delivered in its last 100 ms (nats-server 2.15.1)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.support.agents import AgentProcess, read_record, wait_until_final
from tests.support.eventually import eventually
from tests.support.server import NatsServer
from tests.support.stage import Stage
from tqcli.core.spec import Shell
from tqcli.core.state import State
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tqcli.core.spec import Spec


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """Return a server of the test's own."""
    with NatsServer(user="tq", password=secrets.token_hex(8), sync="always") as server:
        yield server


def note(path: Path, *, then: str) -> Shell:
    """Return a command that notes that it began."""
    return Shell((f'echo "$TQ_JOB_ID $TQ_ATTEMPT" >> {path}; {then}',), line=True)


def kill_and_forget(server: NatsServer) -> None:
    """Kill the server; what its consumers delivered is not on its disk."""
    server.kill()
    for state in server.folder.rglob("obs/*/o.dat"):
        state.unlink()


def is_empty(stage: Stage) -> bool:
    """Return whether no job is left in any queue."""
    return bool(stage.run(stream_state(stage.link, stage.names.jobs))["messages"] == 0)


@pytest.mark.parametrize("second", [True, False], ids=["running", "ended meanwhile"])
def test_what_the_server_forgot_does_not_run_twice(server: NatsServer, tmp_path: Path, *, second: bool) -> None:
    """One that runs goes on where it is, one that ended while the server was away stays ended; their messages go."""
    stage = Stage(server.endpoint, "tq")
    stage.open("default")
    began, gate = tmp_path / "began", tmp_path / "gate"
    gate.touch()

    def submit(seconds: str) -> Spec:
        return stage.submit(work=note(began, then=f"while test -e {gate}; do sleep 0.1; done; sleep {seconds}"))

    with AgentProcess(stage, tmp_path, slots=1):
        job = submit("4" if second else "0")
        eventually(lambda: (record := read_record(stage, job)) and record.state is State.RUNNING, 15)
        kill_and_forget(server)
        gate.unlink()
        server.start()
        if second:
            with AgentProcess(stage, tmp_path):
                record = wait_until_final(stage, job, 30)
        else:
            record = wait_until_final(stage, job, 30)
        eventually(lambda: is_empty(stage), 20)
        assert (record.state, record.attempt, record.losses) == (State.SUCCEEDED, 1, 0)
        assert began.read_text() == f"{job.id} 1\n"
    stage.close()
