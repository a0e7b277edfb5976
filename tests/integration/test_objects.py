"""Objects: bytes beside the jobs that need them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.stage import Stage
from tqcli.jetstream import objects
from tqcli.jetstream.objects import PART_BYTES, get_object, put_object
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from tests.support.server import NatsServer


@pytest.mark.parametrize(("old", "sent"), [(objects.OLD, 1), (timedelta(0), 2)], ids=["fresh", "old"])
def test_an_old_object_is_sent_again(
    nats_server: NatsServer, unique: str, monkeypatch: pytest.MonkeyPatch, old: timedelta, sent: int
) -> None:
    """One that is about to vanish would be gone when the job starts; a fresh one costs nothing more."""
    monkeypatch.setattr(objects, "OLD", old)
    stage = Stage(nats_server.endpoint, unique)
    stage.open()
    data = b"x" * PART_BYTES + b"y"
    digests = {stage.run(put_object(stage.broker, data)) for _ in range(2)}
    assert stage.run(stream_state(stage.link, stage.names.objects))["messages"] == 2 * sent
    assert [stage.run(get_object(stage.broker, digest)) for digest in digests] == [data]
    stage.close()
