"""The fence: a record is written only by whoever knows the sequence of the last write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.stage import Stage
from tqcli.core.codec import encode
from tqcli.core.record import Record, queued, start
from tqcli.core.spec import Shell
from tqcli.jetstream.api import WrongSequence, call
from tqcli.jetstream.records import Write, load_record, write_alone, write_record, write_together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server import NatsServer

GROUP = "1xkbbg00a7c3k9mf"


@pytest.fixture
def stage(nats_server: NatsServer, unique: str) -> Iterator[Stage]:
    """Return a namespace of the test's own."""
    stage = Stage(nats_server.endpoint, unique)
    stage.open()
    yield stage
    stage.close()


@pytest.fixture
def record(stage: Stage) -> Record:
    """Return a running record."""
    spec = stage.submit(work=Shell(("true",)))
    return start(queued(encode(spec)), agent="a", claim="1.x", now=datetime.now(UTC))


def test_who_does_not_know_the_last_write_loses(stage: Stage, record: Record) -> None:
    """The second writer of one sequence fails, and changes nothing."""
    first = stage.run(write_record(stage.broker, GROUP, 0, record, expected=0))
    with pytest.raises(WrongSequence):
        stage.run(write_record(stage.broker, GROUP, 0, record, expected=0))
    assert stage.run(write_record(stage.broker, GROUP, 0, record, expected=first)) > first


def test_one_lost_fence_keeps_a_whole_batch_out(stage: Stage, record: Record) -> None:
    """A batch is written whole or not at all; written, its sequences are known."""
    body = encode(record)
    sequences = stage.run(write_together(stage.broker, "b1", [Write(GROUP, index, body, 0) for index in range(3)]))
    stale = [Write(GROUP, 3, body, 0), Write(GROUP, 1, body, 0)]
    with pytest.raises(WrongSequence):
        stage.run(write_together(stage.broker, "b2", stale))
    assert stage.run(load_record(stage.broker, GROUP, 3)) is None
    for index, sequence in enumerate(sequences):
        snapshot = stage.run(load_record(stage.broker, GROUP, index))
        assert snapshot is not None
        assert snapshot.sequence == sequence


def test_a_write_whose_answer_got_lost_is_recognised(stage: Stage, record: Record) -> None:
    """The same bytes in place are our own write; other bytes are somebody else's."""
    write = Write(GROUP, 0, encode(record), 0)
    sequence = stage.run(write_alone(stage.broker, write))
    assert stage.run(write_alone(stage.broker, write, unsure=True)) == sequence
    with pytest.raises(WrongSequence):
        stage.run(write_alone(stage.broker, Write(GROUP, 0, b"{}", 0), unsure=True))


def test_a_record_that_aged_out_under_a_long_job_is_written_anew(stage: Stage, record: Record) -> None:
    """A job that runs for longer than records are kept still gets its end recorded."""
    sequence = stage.run(write_record(stage.broker, GROUP, 0, record, expected=0))
    names = stage.names
    stage.run(call(stage.link, f"STREAM.PURGE.{names.records}", {"filter": names.record(GROUP, 0)}))
    assert stage.run(write_record(stage.broker, GROUP, 0, record, expected=sequence)) > sequence
