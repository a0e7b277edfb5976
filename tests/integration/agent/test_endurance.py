"""Much work, and much output, leave an agent as they found it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.integration.agent.test_attempts import printed, shell
from tests.support.agents import read_record, wait_until_final
from tests.support.eventually import eventually
from tqcli.agent.printing import CAP_BYTES, TAIL_BYTES
from tqcli.core.spec import Python, Shell
from tqcli.core.state import State
from tqcli.jetstream.logs import STDOUT
from tqcli.jetstream.topology import consumer_info, stream_state

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.agent.conftest import StartAgent
    from tests.support.stage import Stage

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
JOBS = 10_000
WARM_JOBS = 500
"""After so many the agent has what it needs for good: its runners, its modules, its read-ahead."""


def run_through(stage: Stage, count: int) -> list[Any]:
    """Run so many jobs that end at once."""
    specs = stage.submit_group(range(count), work=Shell(("true",)))
    eventually(lambda: stage.run(stream_state(stage.link, stage.names.jobs))["messages"] == 0, 150)
    return specs


def family(agent: psutil.Process) -> list[psutil.Process]:
    """Return the agent, its zygote and its runners."""
    return [agent, *agent.children(recursive=True)]


@pytest.mark.timeout(240)
def test_10000_short_jobs_leave_nothing(stage: Stage, start_agent: StartAgent) -> None:
    """No zombie, no open file, no process and no more than 20 MiB, in the agent and all its processes."""
    agent = psutil.Process(start_agent(slots=2).process.pid)
    run_through(stage, WARM_JOBS)
    before = [(process.pid, process.num_fds()) for process in family(agent)]
    before_bytes = sum(process.memory_info().rss for process in family(agent))
    specs = run_through(stage, JOBS)
    records = [read_record(stage, spec) for spec in specs[::97]]
    assert {record and record.state for record in records} == {State.SUCCEEDED}
    eventually(lambda: [(process.pid, process.num_fds()) for process in family(agent)] == before, 10)
    assert all(process.status() != psutil.STATUS_ZOMBIE for process in family(agent))
    assert sum(process.memory_info().rss for process in family(agent)) - before_bytes < 20 * MEBIBYTE


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("line", "size"),
    [("head -c 5368709120 /dev/zero", 5 * GIBIBYTE), ("yes 'a line' | head -c 1073741824", GIBIBYTE)],
    ids=["one line", "many lines"],
)
def test_gibibytes_of_output_cost_no_memory(stage: Stage, start_agent: StartAgent, line: str, size: int) -> None:
    """Head and tail are kept, to the byte; the agent grows by no more than 64 MiB."""
    agent = psutil.Process(start_agent(slots=1).process.pid)
    wait_until_final(stage, stage.submit(work=shell("echo first; head -c 2000000 /dev/zero")))
    before_bytes = agent.memory_info().rss
    most_bytes = before_bytes
    spec = stage.submit(work=shell(line))

    def over() -> bool:
        nonlocal most_bytes
        most_bytes = max(most_bytes, agent.memory_info().rss)
        record = read_record(stage, spec)
        return record is not None and record.state.final

    eventually(over, 90)
    assert most_bytes - before_bytes < 64 * MEBIBYTE
    record = read_record(stage, spec)
    assert record is not None
    assert record.output is not None
    kept = printed(stage, spec, STDOUT)
    assert (record.state, record.output.stdout) == (State.SUCCEEDED, size)
    assert len(kept) + record.output.dropped == size
    assert CAP_BYTES - 2 * TAIL_BYTES < len(kept) <= CAP_BYTES + MEBIBYTE
    expected = b"\0" * 7 if "zero" in line else b"a line\n"
    assert kept[: 1000 * 7] == expected * 1000
    assert kept[-7:] == (expected * 2)[size % 7 : size % 7 + 7]


@pytest.mark.timeout(120)
def test_no_lease_is_late_because_of_what_a_job_does(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """A flood of output for longer than a lease, and Python code that never lets go of its interpreter."""
    (tmp_path / "busy.py").write_text(
        "import time\ndef spin():\n    end = time.monotonic() + 10\n    while time.monotonic() < end: pass\n"
    )
    start_agent(slots=2)
    flood = stage.submit(work=shell("timeout 10 yes; exit 0"))
    spin = stage.submit(work=Python("busy:spin"), cwd=str(tmp_path))
    consumer = stage.names.queue_consumer("default", "normal")
    again = 0

    def over() -> bool:
        nonlocal again
        info = stage.run(consumer_info(stage.link, stage.names.jobs, consumer))
        again = max(again, info["num_redelivered"])
        return all((record := read_record(stage, spec)) and record.state.final for spec in (flood, spin))

    eventually(over, 60)
    assert again == 0
    for spec in (flood, spin):
        record = read_record(stage, spec)
        assert record is not None
        assert (record.state, record.attempt, record.losses) == (State.SUCCEEDED, 1, 0)
