"""Three servers: the same code, and any one of them may die."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.integration.agent.test_attempts import shell
from tests.support.agents import AgentProcess
from tests.support.cluster import Cluster
from tests.support.eventually import eventually
from tests.support.schedules import add
from tests.support.stage import Stage
from tqcli.client.doctor.examine import Surroundings, examine
from tqcli.client.doctor.finding import Level
from tqcli.client.init import init_streams
from tqcli.errors import InvalidInput, SettingsError, TqError
from tqcli.jetstream.records import load_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.server import NatsServer
    from tqcli.core.spec import Spec

LONGEST_STALL_S = 15.0
MOST_UNDER_WAY = 5


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Return a cluster of three."""
    with Cluster() as cluster:
        yield cluster


def open_stage(cluster: Cluster, namespace: str) -> Stage:
    """Return a stage that outlives the server it is connected to."""
    stage = Stage(cluster.endpoint, namespace)
    stage.link.patience_s = None
    return stage


@pytest.mark.timeout(120)
def test_streams_are_made_with_copies_and_upgraded(cluster: Cluster) -> None:
    """From one copy to three, while what is in them stays."""
    stage = open_stage(cluster, "up")
    changes = stage.run(init_streams(stage.broker, copies=1))
    assert {(change.before, change.copies) for change in changes} == {(None, 1)}
    stage.open("default")
    spec = stage.submit()
    found = stage.collect(examine(stage.broker, Surroundings()))
    assert "tq init --replicas 3" in [finding.hint for finding in found if finding.level is Level.WARNING]
    changes = stage.run(init_streams(stage.broker, copies=3))
    assert {(change.before, change.copies) for change in changes} == {(1, 3)}
    eventually(lambda: is_well(stage), 40)
    assert stage.run(init_streams(stage.broker, copies=3))[0].before == 3
    assert stage.take(spec)
    stage.close()


def is_well(stage: Stage) -> bool:
    """Return whether the doctor finds every stream with its leader and copies."""
    findings = stage.collect(examine(stage.broker, Surroundings()))
    return [finding.level for finding in findings if finding.check == "cluster"] == [Level.OK]


def test_copies_that_make_no_sense_are_refused(cluster: Cluster) -> None:
    """Two outlive no more than one does."""
    stage = open_stage(cluster, "two")
    with pytest.raises(InvalidInput, match="2 copies"):
        stage.run(init_streams(stage.broker, copies=2))
    stage.close()


def test_a_server_on_its_own_keeps_one_copy(nats_server: NatsServer, unique: str) -> None:
    """It says what to do."""
    stage = Stage(nats_server.endpoint, unique)
    with pytest.raises(SettingsError, match="keeps one copy"):
        stage.run(init_streams(stage.broker, copies=3))
    stage.close()


@pytest.mark.timeout(240)
def test_no_job_is_lost_where_one_server_after_the_other_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    """Each of the three, with -9, while jobs are submitted; no submit stalls for longer than 15 s.

    Nor is a planned time of a schedule missed or doubled.
    """
    stage = open_stage(cluster, "kill")
    stage.run(init_streams(stage.broker, copies=3))
    stage.open("default")
    eventually(lambda: is_well(stage), 40)
    ledger, plans = tmp_path / "ledger", tmp_path / "plans"
    add(
        stage, argv=("sh", "-c", f'echo "$TQ_SCHEDULED_AT $TQ_JOB_ID" >> {plans}'), overlap="allow", catch_up="all:1000"
    )
    accepted: list[Spec] = []
    stalls: list[float] = []
    with AgentProcess(stage, tmp_path), AgentProcess(stage, tmp_path):
        for server in cluster.servers:
            submit_for(stage, ledger, 1.0, accepted, stalls)
            server.kill()
            submit_for(stage, ledger, 4.0, accepted, stalls)
            server.start()
            eventually(lambda: is_well(stage), 60)
        eventually(lambda: all(is_final(stage, spec) for spec in accepted), 60)
        begun = len(plans.read_text().splitlines())
        eventually(lambda: len(plans.read_text().splitlines()) > begun, 60)
    stage.close()
    times = {datetime.fromisoformat(line.split()[0]) for line in plans.read_text().splitlines()}
    assert len(set(plans.read_text().splitlines())) == len(times)
    # The last ones were under way when the agents were killed.
    assert times >= {min(times) + timedelta(seconds=number) for number in range(len(times) - MOST_UNDER_WAY)}
    ran = ledger.read_text().split()
    assert set(ran) >= {str(spec.id) for spec in accepted}
    assert max(stalls) <= LONGEST_STALL_S, sorted(stalls)[-5:]


def submit_for(stage: Stage, ledger: Path, seconds: float, accepted: list[Spec], stalls: list[float]) -> None:
    """Submit jobs for so long; keep those that were accepted, and how long each took."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        started = time.monotonic()
        try:
            accepted.append(stage.submit(work=shell(f"echo $TQ_JOB_ID >> {ledger}")))
        except TqError:
            continue  # not accepted, and said so
        finally:
            stalls.append(time.monotonic() - started)


def is_final(stage: Stage, spec: Spec) -> bool:
    """Return whether the job has its final record."""
    snapshot = stage.run(load_record(stage.broker, spec.group, 0))
    return snapshot is not None and snapshot.record.state.final
