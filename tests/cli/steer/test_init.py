"""`tq init`: the streams, made before anybody needs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tqcli.jetstream.topology import consumer_info, put_consumer, queue_configs

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tests.support.tq import Tq


def test_streams_are_made_once(tq: Tq, bare_stage: Stage) -> None:
    """The second time says that they are there."""
    first, second = tq("init"), tq("init")
    assert (first.code, second.code) == (0, 0)
    assert {line.split(maxsplit=1)[1] for line in first.text.splitlines()} == {"made, 1 copy"}
    assert {line.split(maxsplit=1)[1] for line in second.text.splitlines()} == {"1 copy, as before"}
    assert bare_stage.names.jobs in first.text
    document = json.loads(tq("init", "--json").text)
    assert {"stream": bare_stage.names.jobs, "before": 1, "copies": 1} in document


def test_consumers_are_brought_up_to_date(tq: Tq, stage: Stage) -> None:
    """After an upgrade that wants them otherwise; what they delivered stays delivered."""
    stage.take(stage.submit())
    (config, *_) = [one for one in queue_configs(stage.names, "default") if one["name"] == "default-normal"]
    stage.run(put_consumer(stage.link, stage.names.jobs, config | {"ack_wait": 10**9}, action="update"))
    assert "default-normal" in tq("init").stderr
    info = stage.run(consumer_info(stage.link, stage.names.jobs, "default-normal"))
    assert info["config"]["ack_wait"] == config["ack_wait"]
    assert info["delivered"]["consumer_seq"] > 0
    assert tq("init").stderr == ""


def test_number_of_copies_must_make_sense(tq: Tq) -> None:
    """Nothing is made."""
    done = tq("init", "--replicas", "2")
    assert done.code == 2
    assert "3 outlive the loss of one server" in done.stderr


def test_one_server_keeps_one_copy(tq: Tq) -> None:
    """It says what more copies need."""
    done = tq("init", "--replicas", "3")
    assert done.code == 78
    assert "keeps one copy" in done.stderr
