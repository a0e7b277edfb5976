"""What a submit says when the broker does not take it: not queued, or nobody knows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.eventually import eventually_async
from tests.support.links import run_connection
from tests.support.stage import Stage
from tqcli.core.spec import Shell
from tqcli.errors import QueueFull, TqError, Unavailable, Unknown
from tqcli.jetstream import enqueue as module
from tqcli.jetstream.api import call
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.enqueue import Item, enqueue
from tqcli.jetstream.subjects import Names
from tqcli.jetstream.topology import ensure_streams, stream_configs, stream_state

if TYPE_CHECKING:
    from tests.support.server import NatsServer
    from tqcli.jetstream.connection import Connection

ITEM = Item("tq.job.default.normal.g.0", "g", b"{}")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make tries short, and few."""
    monkeypatch.setattr(module, "ANSWER_TIMEOUT_S", 0.2)
    monkeypatch.setattr(module, "PATIENCE_S", 0.8)


@pytest.mark.parametrize(("frozen", "error"), [(True, Unknown), (False, Unavailable)], ids=["answer lost", "not sent"])
@pytest.mark.usefixtures("impatient")
def test_not_queued_is_said_only_where_no_try_was_sent(
    fresh_server: NatsServer, *, frozen: bool, error: type[TqError]
) -> None:
    """A try without an answer may have put the job into its queue, whatever becomes of those that follow."""

    async def scenario(link: Connection) -> None:
        broker = Broker(link, Names("tq"))
        await ensure_streams(link, broker.names)
        if frozen:
            fresh_server.freeze()
            link.loop.call_later(0.1, fresh_server.kill)
        else:
            fresh_server.kill()
            await eventually_async(lambda: not link.connected, 10)
        await enqueue(broker, ITEM)

    with pytest.raises(error) as caught:
        run_connection(fresh_server.endpoint, scenario)
    assert ("is not queued" in caught.value.message) is not frozen


def test_a_broker_that_comes_back_in_time_takes_the_job(
    fresh_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A try that could not be sent is no reason to give up while there is patience."""
    monkeypatch.setattr(module, "ANSWER_TIMEOUT_S", 0.1)

    async def scenario(link: Connection) -> int:
        broker = Broker(link, Names("tq"))
        await ensure_streams(link, broker.names)
        fresh_server.stop()
        await eventually_async(lambda: not link.connected, 10)
        working = asyncio.ensure_future(enqueue(broker, ITEM))
        await asyncio.wait([working], timeout=0.5)
        assert not working.done()
        fresh_server.start()
        await working
        messages: int = (await stream_state(link, broker.names.jobs))["messages"]
        return messages

    assert run_connection(fresh_server.endpoint, scenario) == 1


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
