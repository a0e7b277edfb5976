"""`tq retry`: finished jobs again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.agents import wait_until_final
from tqcli.core.outcome import Exited
from tqcli.core.spec import Shell
from tqcli.core.state import Reason, State

if TYPE_CHECKING:
    from tests.support.agents import AgentProcess
    from tests.support.stage import Stage
    from tests.support.tq import Tq


def test_retry_prints_the_new_id_alone(tq: Tq, stage: Stage) -> None:
    """The new job names the old one."""
    spec = stage.submit(work=Shell(("make",)))
    stage.complete(spec, Exited(1), reason=Reason.EXIT)
    done = tq("retry", str(spec.id))
    assert (done.code, done.stderr) == (0, "")
    job = json.loads(tq("status", "--json", done.text).stdout)
    assert (job["state"], job["retry_of"], job["command"]) == ("queued", spec.group, ["make"])


def test_retried_job_is_the_last_one(tq: Tq, stage: Stage) -> None:
    """`tq wait` after `tq retry` waits for the new one."""
    spec = stage.submit()
    stage.complete(spec)
    new = tq("retry", str(spec.id)).text
    assert json.loads(tq("status", "@last", "--json").stdout)["id"] == new


def test_retried_job_runs(tq: Tq, stage: Stage, agent: AgentProcess) -> None:
    """From the spec that its old record kept."""
    spec = stage.submit(work=Shell(("exit 3",), line=True))
    assert wait_until_final(stage, spec).exit_code == 3
    new = tq("retry", str(spec.id)).text
    assert tq("wait", new).code == 3
    assert agent.process.poll() is None


def test_job_that_has_not_ended_is_exit_4(tq: Tq, stage: Stage) -> None:
    """The hint says what to do first."""
    spec = stage.submit()
    done = tq("retry", str(spec.id))
    assert (done.code, done.stdout) == (4, b"")
    assert f"tq wait {spec.group}" in done.stderr


def test_unknown_job_is_exit_3(tq: Tq) -> None:
    """On an unused broker, too."""
    assert tq("retry", "1xkbbg0000000000").code == 3


def test_group_is_retried_as_a_group(tq: Tq, stage: Stage) -> None:
    """One id for all of it."""
    specs = stage.submit_group((2, 4))
    for spec in specs:
        stage.complete(spec)
    new = tq("retry", specs[0].group).text
    assert json.loads(tq("status", "--json", f"{new}.4").stdout)["retry_of"] == f"{specs[0].group}.4"


def test_only_failed_jobs_of_a_group_are_retried(tq: Tq, stage: Stage) -> None:
    """On demand."""
    specs = stage.submit_group(range(3))
    for spec in specs:
        stage.complete(spec, Exited(spec.index // 2), reason=Reason.EXIT if spec.index == 2 else None)
    new = json.loads(tq("retry", "--failed", "--json", specs[0].group).stdout)
    assert (new["size"], new["retry_of"]) == (1, specs[0].group)
    assert stage.read(specs[2])[0].state is State.FAILED
