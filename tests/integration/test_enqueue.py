"""A bulk submit that the stream can't take whole says how much of it is safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stage import Stage
from tqcli.core.spec import Shell
from tqcli.errors import QueueFull
from tqcli.jetstream.api import call
from tqcli.jetstream.topology import stream_configs, stream_state

if TYPE_CHECKING:
    from tests.support.server import NatsServer


def test_a_full_queue_says_how_many_jobs_it_took(nats_server: NatsServer, unique: str) -> None:
    """Also of batches that were on their way when one was refused."""
    stage = Stage(nats_server.endpoint, unique)
    stage.open("default")
    names = stage.names
    small = stream_configs(names)[names.jobs] | {"max_msgs": 1500}
    stage.run(call(stage.link, f"STREAM.UPDATE.{names.jobs}", small))
    with pytest.raises(QueueFull) as refused:
        stage.submit_group(range(2500), work=Shell(("true",)))
    stored = stage.run(stream_state(stage.link, names.jobs))["messages"]
    stage.close()
    assert refused.value.message.startswith(f"{stored:,} of 2,500 jobs were accepted")
