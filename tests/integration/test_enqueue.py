"""What a submit says when the broker does not take it: not queued, or nobody knows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

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
    from collections.abc import Awaitable

    from tests.support.server import NatsServer
    from tqcli.jetstream.connection import Connection
    from tqcli.jetstream.link import Message

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


class Unheard:
    """A link on which the first answer to a job gets lost; by the next try the stream is full and knows no ids."""

    def __init__(self, stage: Stage) -> None:
        """It does what the stage's link does, but for that."""
        self._stage = stage
        self._first = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage.link, name)

    def post(self, subject: str, *args: Any, **kwargs: Any) -> Awaitable[Message]:
        """Send a request."""
        answer = self._stage.link.post(subject, *args, **kwargs)
        return self._lose(answer) if self._first and ".job." in subject else answer

    async def _lose(self, answer: Awaitable[Message]) -> Message:
        self._first = False
        await answer
        names = self._stage.names
        # As when the job has ended, a restart has forgotten its id, and others have filled the stream.
        full = stream_configs(names)[names.jobs] | {"max_msgs": 1, "duplicate_window": 100_000_000}
        await call(self._stage.link, f"STREAM.UPDATE.{names.jobs}", full)
        raise Unknown


def test_a_full_queue_does_not_deny_a_try_whose_answer_was_lost(nats_server: NatsServer, unique: str) -> None:
    """What the stream refuses now, it may have taken before."""
    stage = Stage(nats_server.endpoint, unique)
    stage.open("default")
    item = Item(stage.names.job("default", "normal", "1tt8hd0000000001", 0), "1tt8hd0000000001", b"{}")
    with pytest.raises(Unknown):
        stage.run(enqueue(Broker(Unheard(stage), stage.names), item))
    stage.close()
