"""The doctor finds what is wrong, says what to do, and calls nothing well that it could not look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.server import NatsServer, free_port
from tests.support.stage import Stage
from tqcli.client.doctor.examine import Surroundings, examine
from tqcli.client.doctor.finding import Finding, Level
from tqcli.client.doctor.fleet import judge_agent
from tqcli.client.doctor.residue import Residue, find_residue, mend_residue
from tqcli.client.doctor.server import judge_clock
from tqcli.errors import SettingsError
from tqcli.jetstream.api import call
from tqcli.jetstream.scan import oldest_first
from tqcli.jetstream.topology import ensure_queue, ensure_timers, stream_configs

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def ask(stage: Stage, known: Surroundings | None = None) -> dict[str, list[Finding]]:
    """Return what the doctor says, by check."""
    found: dict[str, list[Finding]] = {}
    for finding in stage.collect(examine(stage.broker, known or Surroundings())):
        found.setdefault(finding.check, []).append(finding)
    return found


def concerns(found: dict[str, list[Finding]], *levels: Level) -> list[str]:
    """Return the texts of what is as bad as that."""
    return [finding.text for one in found.values() for finding in one if finding.level in levels]


def test_healthy_broker_is_well(stage: Stage) -> None:
    """Only what can't be seen is unknown: whether the server syncs."""
    stage.run(ensure_timers(stage.link, stage.names))
    stage.submit()
    stage.announce("host-a")
    found = ask(stage)
    assert concerns(found, Level.ERROR, Level.WARNING) == []
    assert [finding.check for one in found.values() for finding in one if finding.level is Level.UNKNOWN] == [
        "durability"
    ]
    assert set(found) >= {"server", "clock", "streams", "consumers", "room", "storing", "residue", "agents"}


def test_looking_leaves_nothing_behind(stage: Stage) -> None:
    """Neither the message that is stored for a try, nor a queue."""
    before = {name: stage.run(call(stage.link, f"STREAM.INFO.{name}"))["state"]["messages"] for name in streams(stage)}
    ask(stage)
    after = {name: stage.run(call(stage.link, f"STREAM.INFO.{name}"))["state"]["messages"] for name in streams(stage)}
    assert after == before


def streams(stage: Stage) -> list[str]:
    """Return the names of its streams."""
    return list(stream_configs(stage.names))


def test_unused_broker_is_well(bare_stage: Stage) -> None:
    """The first use makes what it needs."""
    found = ask(bare_stage)
    assert concerns(found, Level.ERROR, Level.WARNING) == []
    assert found["streams"][0].text.startswith("none yet")


def test_what_differs_or_is_missing_is_named(stage: Stage) -> None:
    """A stream, and one of a queue's consumers."""
    config = stream_configs(stage.names)[stage.names.timers] | {"max_msgs": 7, "allow_direct": False}
    stage.run(call(stage.link, f"STREAM.UPDATE.{stage.names.timers}", config))
    stage.run(call(stage.link, f"CONSUMER.DELETE.{stage.names.jobs}.default-low"))
    stage.run(call(stage.link, f"STREAM.DELETE.{stage.names.objects}"))
    errors = concerns(ask(stage), Level.ERROR)
    assert f"the stream {stage.names.timers} has allow_direct = False; tq needs True" in errors
    assert f"the stream {stage.names.objects} is missing" in errors
    assert "the consumer default-low is missing" in errors


def test_stream_that_takes_nothing_shows_by_trying(stage: Stage) -> None:
    """All else about it looks well."""
    config = stream_configs(stage.names)[stage.names.jobs]
    stage.run(call(stage.link, f"STREAM.UPDATE.{stage.names.jobs}", config | {"sealed": True}))
    assert [finding.level for finding in ask(stage)["storing"]] == [Level.ERROR, Level.OK]


def test_what_no_acknowledgement_removed_is_found_and_mended(bare_stage: Stage) -> None:
    """As from a disk that took no writes for a while; here the stream is one from which nothing is removed."""
    stage = bare_stage
    config = stream_configs(stage.names)[stage.names.jobs]
    stage.run(call(stage.link, f"STREAM.CREATE.{stage.names.jobs}", config | {"retention": "limits"}))
    with pytest.raises(SettingsError):
        stage.open()
    for name, other in stream_configs(stage.names).items():
        if name != stage.names.jobs:
            stage.run(call(stage.link, f"STREAM.CREATE.{name}", other | {"max_bytes": -1}))
    stage.run(ensure_queue(stage.link, stage.names, "default"))
    stage.complete(stage.submit())
    stranded = stage.submit()
    stage.settle(stage.take(stranded))
    waiting = stage.submit()
    assert [(finding.level, finding.text) for finding in ask(stage)["residue"]] == [
        (Level.ERROR, "1 job in the stream, but in no agent's reach"),
        (Level.WARNING, "1 message left of jobs that have ended"),
    ]
    stage.run(mend_residue(stage.broker))
    left = [message.subject for message in stage.collect(oldest_first(stage.link, stage.names.jobs, ">"))]
    assert left == [stage.names.job("default", "normal", spec.group, 0) for spec in (waiting, stranded)]
    assert stage.run(find_residue(stage.broker)) == Residue([], [])


@pytest.fixture(params=["always", "10s"])
def watched(request: pytest.FixtureRequest) -> Iterator[tuple[Stage, str, str]]:
    """Return a stage on a server with a monitoring port, that port's URL, and how often the server syncs."""
    port = free_port()
    with NatsServer(config=f"http: 127.0.0.1:{port}", sync=request.param) as server:
        stage = Stage(server.endpoint, "tq")
        stage.open("default")
        yield stage, f"http://127.0.0.1:{port}/", request.param
        stage.close()


def test_monitoring_port_tells_whether_messages_are_synced(watched: tuple[Stage, str, str]) -> None:
    """`sync_interval` alone would not: it reads as two minutes also where each message is synced."""
    stage, url, sync = watched
    (finding,) = ask(stage, Surroundings(monitor=url))["durability"]
    assert finding.level is (Level.OK if sync == "always" else Level.ERROR)


def test_monitoring_port_that_does_not_answer_is_unknown(stage: Stage) -> None:
    """Never well."""
    (finding,) = ask(stage, Surroundings(monitor=f"http://127.0.0.1:{free_port()}"))["durability"]
    assert finding.level is Level.UNKNOWN


@pytest.mark.parametrize(("sync", "level"), [("always", Level.OK), ("2m", Level.WARNING)])
def test_local_server_is_known_to_sync_or_not(stage: Stage, sync: str, level: Level) -> None:
    """It is ours."""
    found = ask(stage, Surroundings(sync=sync, folder="/"))
    assert [finding.level for finding in found["durability"]] == [level]
    assert "free on the disk" in found["room"][0].text


def test_jobs_that_nobody_will_run_are_told(stage: Stage) -> None:
    """With the command that helps."""
    stage.open("lonely")
    stage.submit(queue="lonely")
    (finding,) = ask(stage)["queues"]
    assert (finding.level, finding.hint) == (Level.ERROR, "tq agent -q lonely")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, None),
        ({"seen_at": NOW - timedelta(seconds=12)}, "told of itself 12s ago"),
        ({"seen_at": NOW + timedelta(seconds=90)}, "clock of host-a is 1m 30s ahead"),
        ({"version": "0.0.9"}, "host-a is tq 0.0.9"),
        ({"containment": "process group"}, "can't hold a job's processes together"),
    ],
)
def test_agent_is_judged_by_what_it_told(stage: Stage, fields: dict[str, Any], words: str | None) -> None:
    """Its age, its clock, its version, its host's kernel."""
    agent = stage.announce("host-a", **({"seen_at": NOW} | fields))
    found = judge_agent(agent, NOW)
    assert [words in finding.text for finding in found if words] == ([True] if words else [])
    assert bool(found) is (words is not None)


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, Level.OK), (0.9, Level.OK), (-20, Level.WARNING), (20, Level.WARNING), (31, Level.ERROR), (-31, Level.ERROR)],
)
def test_clock_is_judged_by_how_far_off_it_is(seconds: float, level: Level) -> None:
    """Either way; the time that the answer took is in its favour."""
    shown = NOW + timedelta(seconds=seconds)
    assert judge_clock("it", shown, NOW, NOW).level is level
    assert judge_clock("it", shown, NOW - timedelta(seconds=60), NOW + timedelta(seconds=60)).level is Level.OK
