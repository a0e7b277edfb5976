"""Servers may be told to name acks in another way (H31); for the client library alone that is trouble (H25)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.agents import AgentProcess, wait_until_final
from tests.support.server import NatsServer
from tests.support.stage import Stage
from tqcli.core.spec import Shell
from tqcli.core.state import State
from tqcli.jetstream.topology import ACK_WAIT_S, stream_state

if TYPE_CHECKING:
    from pathlib import Path

V2 = "feature_flags { js_ack_fc_v2: true }"


def test_jobs_are_leased_retried_and_settled_with_the_second_form_of_acks(tmp_path: Path) -> None:
    """One that outlives a lease runs once, one that fails comes back by its timer, and nothing stays behind."""
    with NatsServer(config=V2) as server:
        stage = Stage(server.endpoint, "tq")
        stage.open("default")
        with AgentProcess(stage, tmp_path):
            long = stage.submit(work=Shell(("sleep", str(ACK_WAIT_S + 2))))
            again = stage.submit(work=Shell(('test "$TQ_ATTEMPT" = 2',), line=True), retries=1, backoff="fixed:1s")
            assert wait_until_final(stage, again, 20).attempt == 2
            record = wait_until_final(stage, long, 30)
            assert (record.state, record.attempt) == (State.SUCCEEDED, 1)
            assert "js_ack_fc_v2" in server.log.read_text()
        for name in (stage.names.jobs, stage.names.timers):
            assert stage.run(stream_state(stage.link, name))["messages"] == 0
        stage.close()
