"""Every step between a job's delivery and its end can be its agent's last.

A rehearsal finds the steps (see `mortal_agent`); then for each of them an agent is killed right before it, and another
right after it, and a healthy agent finds what they left. Nothing here names the steps that count: one that is added to
the product is tried as well.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.chaos.history import History
from tests.chaos.ledger import Ledger
from tests.chaos.processes import find_processes
from tests.support.agents import AgentProcess, wait_until_final
from tests.support.eventually import eventually
from tests.support.stage import Stage
from tqcli.core.ids import JobId
from tqcli.core.spec import Shell
from tqcli.core.state import State
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.server import NatsServer
    from tqcli.core.spec import Spec

AT_A_TIME = 6
AGAIN_S = 10.0
"""Within this time of its agent's death a job runs again."""

SLOW_S = 8.0
"""What a busy machine may add to a job's own time, and to an agent's start."""


class Scenario(NamedTuple):
    """A job to die with, the steps of a healthy agent, and how often it may run beside the run that was killed.

    A job of None is too short for a `running` record, unless the machine is busy. With `inherited`, an agent died under
    the job before, and what is tried is every step of the one that takes it over.
    """

    name: str
    job: dict[str, float] | None
    fields: dict[str, Any]
    steps: list[str]
    runs: int = 1
    inherited: bool = False


SCENARIOS = [
    Scenario("short", None, {}, ["delivery", "record succeeded", "ack"]),
    Scenario(
        "long, with output", {"sleep": 0.5, "print": 100}, {},
        ["delivery", "record running", "log", "record succeeded", "ack"],
    ),
    Scenario(
        "failed, and tried again", {"sleep": 0.2, "good": 2}, {"retries": 3, "backoff": "fixed:1s"},
        ["delivery", "record running", "record retrying", "timer", "ack",
         "firing", "enqueue", "ack firing",
         "delivery", "look", "record running", "record succeeded", "ack"],
        runs=2,
    ),
    Scenario(
        "taken over", {"sleep": 2}, {},
        ["delivery", "look", "record running", "record succeeded", "ack"],
        runs=2, inherited=True,
    ),
]  # fmt: skip


class Case:
    """One namespace, in which one agent dies at one step."""

    def __init__(self, server: NatsServer, folder: Path, scenario: Scenario) -> None:
        """Prepare everything but the agents."""
        folder.mkdir()
        self.folder = folder
        self.scenario = scenario
        self.stage = Stage(server.endpoint, f"t{secrets.token_hex(6)}")
        self.stage.open("default")
        self.history = History(self.stage)
        self.ledger = Ledger(folder)

    def submit(self) -> Spec:
        """Queue the scenario's job."""
        job = self.scenario.job
        work = self.ledger.brief_work() if job is None else self.ledger.work(**job)
        return self.stage.submit(work=work, **self.scenario.fields)

    def inherit(self) -> Spec | None:
        """Queue the job and let an agent die under it, where the scenario begins so."""
        if not self.scenario.inherited:
            return None
        with AgentProcess(self.stage, self.folder) as first:
            spec = self.submit()
            eventually(self.ledger.read, SLOW_S)
            eventually(lambda: self.stage.load_job(spec.id).state is State.RUNNING, SLOW_S)
            first.signal(signal.SIGKILL)
        return spec

    def start_agent(self, die: str = "", *, slots: int = 2) -> AgentProcess:
        """Start an agent, mortal or healthy; all its processes carry its mark."""
        mark = {"CHAOS_CASE": self.stage.names.namespace, "CHAOS_STEPS": str(self.folder / "steps")}
        if not die:
            return AgentProcess(self.stage, self.folder, slots=slots, env=mark)
        return AgentProcess(
            self.stage, self.folder, slots=slots, module="tests.chaos.mortal_agent", env={**mark, "CHAOS_DIE": die}
        )

    def steps(self) -> list[str]:
        """Return what the mortal agent did."""
        return (self.folder / "steps").read_text().splitlines()

    def is_empty(self) -> bool:
        """Return whether nothing waits any more, neither in a queue nor for a timer."""
        names = self.stage.names
        return not any(
            self.stage.run(stream_state(self.stage.link, name))["messages"] for name in (names.jobs, names.timers)
        )


@contextmanager
def opened(server: NatsServer, folder: Path, scenario: Scenario) -> Iterator[Case]:
    """Yield a case, and remove what it reserves."""
    case = Case(server, folder, scenario)
    try:
        yield case
    finally:
        case.stage.clear()
        case.stage.close()


def acts(steps: list[str]) -> list[str]:
    """Return the steps, sorted, without looks: an agent takes one more at what lay there when it came."""
    return sorted(step for step in steps if step != "look")


def rehearse(server: NatsServer, folder: Path, scenario: Scenario) -> list[str]:
    """Return the steps of an agent that nobody kills."""
    with opened(server, folder, scenario) as case:
        inherited = case.inherit()
        with case.start_agent("never 0"):
            spec = inherited or case.submit()
            wait_until_final(case.stage, spec)
            eventually(case.is_empty, SLOW_S)
            return case.steps()


def die_once(server: NatsServer, folder: Path, scenario: Scenario, die: str) -> None:
    """Let an agent die there, and another one finish its work."""
    with opened(server, folder, scenario) as case:
        inherited = case.inherit()
        with case.start_agent(die) as mortal:
            spec = inherited or case.submit()
            mortal.process.wait(20)
        died_at = time.time()
        runs_before = len(case.ledger.read())
        with case.start_agent():
            record = wait_until_final(case.stage, spec, AGAIN_S + SLOW_S)
            eventually(case.is_empty, AGAIN_S + SLOW_S)
            runs = case.ledger.read()
            left = {process.claim for process in find_processes("CHAOS_CASE", case.stage.names.namespace)}
        eventually(case.history.is_complete, SLOW_S)
        records = case.history.read()

        assert mortal.process.returncode == -9
        assert record.state is State.SUCCEEDED
        # One final record, and it is the last one.
        assert list(records) == [str(JobId(spec.group, 0))]
        assert [one.state.final for one in records[str(JobId(spec.group, 0))]].count(True) == 1
        assert records[str(JobId(spec.group, 0))][-1] == record
        # It ran as often as a healthy agent runs it, and once more at most, and soon.
        assert 1 <= len(runs) <= scenario.runs + 1
        assert any(run.code == 0 and run.attempt == record.attempt for run in runs)
        assert record.losses <= 1 + scenario.inherited
        assert all(run.started_at < died_at + AGAIN_S for run in runs[runs_before : runs_before + 1])
        assert left <= {None}


@pytest.mark.mortal
@pytest.mark.timeout(240)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_step_can_be_the_last(nats_server: NatsServer, tmp_path: Path, scenario: Scenario) -> None:
    """Whatever an agent did last, the job ends once, as it should, soon, and nothing stays behind."""
    steps = rehearse(nats_server, tmp_path / "rehearsal", scenario)
    assert acts(steps) == acts(scenario.steps) or (scenario.job is None and set(scenario.steps) < set(steps))
    deaths = [f"{side} {number}" for number in range(1, len(steps) + 1) for side in ("before", "after")]

    def run(die: str) -> str | None:
        name = f"{die}: {steps[int(die.split()[1]) - 1]}"
        try:
            die_once(nats_server, tmp_path / die.replace(" ", "-"), scenario, die)
        except Exception as error:  # noqa: BLE001 - the others are worth knowing too
            return f"{name}: {error!r}"
        return None

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        failures = [failure for failure in pool.map(run, deaths) if failure]
    assert not failures, "\n".join(failures)


TOGETHER = 24
"""Jobs that end in one moment: enough for their records to be one atomic batch."""


def die_among_many(server: NatsServer, folder: Path, die: str) -> None:
    """Let an agent die while it writes the records of jobs that ended together, and another one finish its work."""
    gate, scenario = folder / "gate", Scenario("together", None, {}, [])
    with opened(server, folder, scenario) as case, case.start_agent(die, slots=TOGETHER) as mortal:
        os.mkfifo(gate)
        line = f'at="$TQ_JOB_ID $TQ_ATTEMPT $TQ_CLAIM - $$ 0"; echo start $at >> {case.ledger.path}; '
        line += f"cat {gate}; echo end $at 0 >> {case.ledger.path}"
        specs = [case.stage.submit(work=Shell((line,), line=True)) for _ in range(TOGETHER)]
        eventually(lambda: len(case.ledger.read()) == TOGETHER, AGAIN_S + SLOW_S)
        with gate.open("wb"):  # whoever comes later finds it open
            (folder / "open").touch()
            (folder / "open").rename(gate)
        mortal.process.wait(20)
        with case.start_agent(slots=TOGETHER):
            finals = [wait_until_final(case.stage, spec, AGAIN_S + SLOW_S) for spec in specs]
            eventually(case.is_empty, AGAIN_S + SLOW_S)
        runs = Counter(run.job for run in case.ledger.read())
        eventually(case.history.is_complete, SLOW_S)
        records = case.history.read()

        assert mortal.process.returncode == -9
        assert {record.state for record in finals} == {State.SUCCEEDED}
        assert len(records) == TOGETHER
        assert {[one.state.final for one in of_one].count(True) for of_one in records.values()} == {1}
        assert set(runs.values()) <= {1, 2}


@pytest.mark.mortal
@pytest.mark.timeout(120)
def test_a_group_commit_can_be_the_last_step(nats_server: NatsServer, tmp_path: Path) -> None:
    """Of records that are written together all are there or none, and what has none runs again."""
    names = [
        "before 5 part succeeded",
        "after 5 part succeeded",
        "before 1 commit succeeded",
        "after 1 commit succeeded",
    ]
    with ThreadPoolExecutor(len(names)) as pool:
        cases = [pool.submit(die_among_many, nats_server, tmp_path / name.replace(" ", "-"), name) for name in names]
    for case in cases:
        case.result()
