"""`tq cancel`: the end of jobs, wherever they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.agents import wait_until_final
from tests.support.eventually import eventually
from tqcli.core.spec import Shell
from tqcli.core.state import State

if TYPE_CHECKING:
    from tests.support.agents import AgentProcess
    from tests.support.stage import Stage
    from tests.support.tq import Tq

ABSENT = "1xkbbg0000000000"


def test_queued_job_is_cancelled(tq: Tq, stage: Stage) -> None:
    """Without any agent."""
    spec = stage.submit()
    done = tq("cancel", str(spec.id))
    assert (done.code, done.text) == (0, f"cancelled {spec.group} (was queued)")
    assert stage.read(spec)[0].state is State.CANCELLED


def test_running_job_is_stopped_by_its_agent(tq: Tq, stage: Stage, agent: AgentProcess, tmp_path: Path) -> None:
    """Children and all, within its grace time."""
    pid_file = tmp_path / "pid"
    spec = stage.submit(work=Shell((f"echo $$ > {pid_file}; sleep 600 & wait",), line=True))
    eventually(lambda: stage.read(spec)[0].state is State.RUNNING and pid_file.exists(), 20)
    done = tq("cancel", str(spec.id))
    assert (done.code, done.text) == (0, f"cancelled {spec.group} (was running on {agent.name})")
    assert wait_until_final(stage, spec).state is State.CANCELLED
    process = Path("/proc", pid_file.read_text().strip())
    assert eventually(lambda: not process.exists(), 20)


def test_id_that_is_given_twice_is_one(tq: Tq, stage: Stage) -> None:
    """The second time there would be nothing left to cancel."""
    spec = stage.submit()
    done = tq("cancel", str(spec.id), str(spec.id))
    assert (done.code, done.text, done.stderr) == (0, f"cancelled {spec.group} (was queued)", "")


def test_group_is_cancelled_whole(tq: Tq, stage: Stage) -> None:
    """One line for all of it."""
    specs = stage.submit_group(range(1, 5))
    stage.complete(specs[0])
    done = tq("cancel", specs[0].group)
    assert (done.code, done.text) == (0, f"cancelled {specs[0].group}: 3 jobs, 1 had ended before")


def test_group_is_cancelled_while_an_agent_runs_through_it(tq: Tq, stage: Stage, agent: AgentProcess) -> None:
    """Every job has one end, and nothing is left to run."""
    specs = stage.submit_group(range(3_000))
    eventually(lambda: stage.read(specs[20])[0].state.final, 20)
    done = tq("cancel", specs[0].group)
    assert done.code == 0, done.stderr
    group = json.loads(tq("status", "--json", specs[0].group).stdout)
    assert group["counts"].keys() == {"succeeded", "cancelled"}
    assert sum(group["counts"].values()) == 3_000
    assert eventually(lambda: json.loads(tq("status", "--json").stdout)["queued"] == 0, 10)
    assert eventually(lambda: json.loads(tq("status", "--json").stdout)["running"] == 0, 20)
    assert agent.process.poll() is None


def test_ended_job_is_exit_4(tq: Tq, stage: Stage) -> None:
    """Somebody else was first; the message says how it ended."""
    spec = stage.submit()
    stage.complete(spec)
    done = tq("cancel", str(spec.id))
    assert (done.code, done.stdout) == (4, b"")
    assert "succeeded" in done.stderr


def test_unknown_job_is_exit_3(tq: Tq, stage: Stage) -> None:
    """Also on a broker that is in use."""
    stage.submit()
    assert tq("cancel", ABSENT).code == 3


def test_all_ids_are_tried(tq: Tq, stage: Stage) -> None:
    """The exit code is the worst of them."""
    ended, queued = stage.submit(), stage.submit()
    stage.complete(ended)
    done = tq("cancel", ABSENT, str(ended.id), str(queued.id))
    assert done.code == 4
    assert done.text == f"cancelled {queued.group} (was queued)"
    assert done.stderr.count("error:") == 2


def test_wrong_id_cancels_nothing(tq: Tq, stage: Stage) -> None:
    """Not even those that are right: the line is wrong as a whole."""
    spec = stage.submit()
    assert tq("cancel", str(spec.id), "no-id").code == 2
    assert stage.read(spec)[0].state is State.QUEUED


def test_last_job_is_meant_where_none_is_named(tq: Tq) -> None:
    """As with most commands."""
    job = tq("submit", "--", "sleep", "60").text
    assert tq("cancel").text == f"cancelled {job} (was queued)"


def test_json_says_what_was_done(tq: Tq, stage: Stage) -> None:
    """A document for each id."""
    specs = [stage.submit() for _ in range(2)]
    lines = tq("cancel", "--json", *(str(spec.id) for spec in specs)).stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(spec.id) for spec in specs]
