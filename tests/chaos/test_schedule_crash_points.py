"""Every step from a schedule's firing to its settling can be its agent's last, as with those of a job."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.chaos.test_crash_points import AGAIN_S, AT_A_TIME, SLOW_S, Case, Scenario, opened
from tests.support.eventually import eventually
from tests.support.schedules import START, TEMPLATE, load, runs
from tqcli.client.schedules import add_schedule, read_runs
from tqcli.core.schedules.rule import EveryRule
from tqcli.core.schedules.schedule import Definition, Run, make_template
from tqcli.core.state import State

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.server import NatsServer

RUNS = 2
STEPS = {"firing", "schedule", "enqueue", "schedule timer", "ack firing", "tell schedule"}


def plan(case: Case) -> None:
    """Define a schedule that runs twice, soon."""
    template = make_template(msgspec.structs.replace(TEMPLATE, work=case.ledger.brief_work()))
    rule = EveryRule(every=timedelta(seconds=1), start=START)
    definition = Definition(name="nightly", rule=rule, template=template, overlap="queue", max_runs=RUNS)
    case.stage.run(add_schedule(case.stage.broker, definition, replace=False))


def is_over(case: Case) -> bool:
    """Return whether all runs have ended, and nothing waits any more."""
    found = case.stage.run(read_runs(case.stage.broker, load(case.stage)))
    return (
        len(found) == RUNS
        and all(isinstance(run, Run) and run.state is State.SUCCEEDED for run in found)
        and case.is_empty()
    )


def rehearse(server: NatsServer, folder: Path, scenario: Scenario) -> list[str]:
    """Return the steps of an agent that nobody kills."""
    with opened(server, folder, scenario) as case, case.start_agent("never 0"):
        plan(case)
        eventually(lambda: is_over(case), SLOW_S)
        return case.steps()


def die_once(server: NatsServer, folder: Path, scenario: Scenario, die: str) -> None:
    """Let an agent die there, and another one finish its work."""
    with opened(server, folder, scenario) as case, case.start_agent(die) as mortal:
        plan(case)
        mortal.process.wait(20)
        with case.start_agent():
            eventually(lambda: is_over(case), AGAIN_S + 2 * SLOW_S)
            ran = case.ledger.read()
        schedule = load(case.stage)
        assert mortal.process.returncode == -9
        assert (schedule.runs, schedule.waiting, schedule.starting) == (RUNS, (), ())
        assert [run.job for run in runs(schedule)] == list(dict.fromkeys(run.job for run in ran))
        # Once more at most: where the agent died with the job in its hands.
        assert len(ran) <= RUNS + 1


@pytest.mark.mortal
@pytest.mark.timeout(240)
def test_every_step_of_a_schedule_can_be_the_last(nats_server: NatsServer, tmp_path: Path) -> None:
    """Whatever an agent did last, each planned time is one job, and the history says how it ended."""
    scenario = Scenario("a schedule's run", None, {}, [])
    steps = rehearse(nats_server, tmp_path / "rehearsal", scenario)
    assert set(steps) >= STEPS
    # Of the first run: what is its job's alone is tried with other jobs.
    first = steps[: steps.index("ack firing") + 1]
    numbers = [number for number, step in enumerate(first, 1) if step in STEPS] + [steps.index("tell schedule") + 1]
    deaths = [f"after {number}" for number in dict.fromkeys(numbers)]

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
