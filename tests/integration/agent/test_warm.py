"""Python jobs of an agent run in warm workers, and nobody could tell but by the time it takes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.integration.agent.test_attempts import printed
from tests.integration.agent.test_losses import is_alive
from tests.integration.agent.test_steering import wait_until_running
from tests.support.agents import wait_until_final
from tests.support.eventually import eventually
from tqcli.core.spec import Python
from tqcli.core.state import Reason, State
from tqcli.jetstream.logs import STDOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.agent.conftest import StartAgent
    from tests.support.stage import Stage
    from tqcli.core.spec import Spec

WORK = """
import os, subprocess, sys, time


def pid():
    print("job", os.environ["TQ_JOB_ID"])
    return os.getpid()


def crash():
    os.abort()


def hang(where):
    child = subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)"])
    with open(where + ".new", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.rename(where + ".new", where)
    time.sleep(600)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a module."""
    folder = tmp_path / "place"
    folder.mkdir()
    (folder / "warm_work.py").write_text(WORK)
    return folder


def call(stage: Stage, place: Path, function: str, *args: object, **more: Any) -> Spec:
    """Submit a call."""
    work = Python(f"warm_work:{function}", args=msgspec.Raw(msgspec.json.encode(args)))
    return stage.submit(work=work, cwd=str(place), **more)


def value(stage: Stage, spec: Spec) -> object:
    """Return what a job returned."""
    record = wait_until_final(stage, spec)
    assert record.result is not None, record
    return msgspec.json.decode(record.result)


def test_one_process_runs_many_jobs_and_each_has_its_own_log(
    stage: Stage, start_agent: StartAgent, place: Path
) -> None:
    """Unless a job asks for a process of its own."""
    start_agent(slots=1)
    specs = [call(stage, place, "pid") for _ in range(5)]
    fresh = call(stage, place, "pid", isolation="fresh")
    pids = {value(stage, spec) for spec in specs}
    assert len(pids) == 1
    assert value(stage, fresh) not in pids
    for spec in [*specs, fresh]:
        assert printed(stage, spec, STDOUT) == f"job {spec.id}\n".encode()


def test_crash_of_a_worker_fails_one_job(stage: Stage, start_agent: StartAgent, place: Path) -> None:
    """Once for each of its attempts."""
    start_agent(slots=1)
    specs = [call(stage, place, "crash" if number == 2 else "pid") for number in range(5)]
    records = [wait_until_final(stage, spec) for spec in specs]
    assert [record.state for record in records].count(State.FAILED) == 1
    assert (records[2].reason, records[2].attempt, records[2].losses) == (Reason.SIGNAL, 1, 0)


def test_timeout_ends_a_worker_with_all_that_the_job_started(
    stage: Stage, start_agent: StartAgent, place: Path
) -> None:
    """And the next job gets another one."""
    start_agent(slots=1)
    record = wait_until_final(
        stage, call(stage, place, "hang", str(place / "pids"), timeout=timedelta(seconds=2), grace=timedelta(seconds=5))
    )
    assert record.reason is Reason.TIMEOUT
    pids = [int(word) for word in (place / "pids").read_text().split()]
    assert not any(is_alive(pid) for pid in pids)
    assert value(stage, call(stage, place, "pid")) not in pids


def test_worker_dies_with_its_agent(stage: Stage, start_agent: StartAgent, place: Path) -> None:
    """Kill -9: the one that is at work, with the job's children, and the one that is idle."""
    agent = start_agent(slots=2)
    idle = value(stage, call(stage, place, "pid", env={"OTHER": "1"}))
    spec = call(stage, place, "hang", str(place / "pids"))
    wait_until_running(stage, spec)
    eventually((place / "pids").exists, 20)
    assert isinstance(idle, int)
    assert is_alive(idle)
    agent.kill()
    pids = [idle, *map(int, (place / "pids").read_text().split())]
    eventually(lambda: not any(is_alive(pid) for pid in pids), 20)


def test_directory_that_is_not_here_gives_way_to_a_fresh_one(
    stage: Stage, start_agent: StartAgent, place: Path
) -> None:
    """As for any job; and each has its own."""
    start_agent(slots=1)
    work = Python("os:getcwd")
    where = [value(stage, stage.submit(work=work, cwd=str(place / "elsewhere"))) for _ in range(2)]
    assert where[0] != where[1]
    record = wait_until_final(stage, stage.submit(work=work, cwd=str(place / "elsewhere"), cwd_required=True))
    assert record.reason is Reason.NOT_STARTED
