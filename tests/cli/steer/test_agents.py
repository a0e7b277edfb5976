"""`tq agents` and `tq agent`: who is there, and being one."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.agents import wait_until_final
from tests.support.eventually import eventually
from tqcli.core.spec import Shell
from tqcli.core.state import State

if TYPE_CHECKING:
    from tests.support.agents import AgentProcess
    from tests.support.stage import Stage
    from tests.support.tq import Tq


def list_agents(tq: Tq) -> list[str]:
    """Return the names that `tq agents` knows."""
    return [agent["name"] for agent in json.loads(tq("agents", "--json").stdout)]


def test_agents_are_listed_with_what_they_run(tq: Tq, stage: Stage) -> None:
    """One line each."""
    stage.announce("builder-1", slots=4, busy=1, running=("1xkbbg0000000000",))
    stage.announce("builder-2", draining=True)
    head, first, second = tq("agents").text.splitlines()
    assert head.split() == ["AGENT", "HOST", "QUEUES", "BUSY", "SLOTS", "UP", "STATE", "RUNS"]
    assert first.split()[0:5] == ["builder-1", "host-a", "default", "1", "4"]
    assert first.split()[6:] == ["busy", "1xkbbg0000000000"]
    assert second.split()[6:] == ["draining"]


def test_table_fits_the_terminal(tq: Tq, stage: Stage) -> None:
    """80 columns."""
    stage.announce("a" * 64, host="h" * 60, queues=("q" * 60, "r" * 60), running=("1xkbbg0000000000",) * 9)
    with tq.on_terminal("agents") as terminal:
        assert terminal.wait() == 0
    assert max(map(len, terminal.screen.splitlines())) <= 80


def test_narrow_terminal_has_the_names(tq: Tq, stage: Stage) -> None:
    """Whole, and one line each."""
    stage.announce("builder-1-4711", host="h" * 60, busy=1, running=("1xkbbg0000000000",))
    with tq.on_terminal("agents", columns=40) as terminal:
        assert terminal.wait() == 0
    head, line = terminal.screen.splitlines()
    assert max(len(head), len(line)) <= 40
    assert line.split()[0] == "builder-1-4711"
    assert "busy" in line


def test_of_many_jobs_a_terminal_shows_one_and_the_number(tq: Tq, stage: Stage) -> None:
    """A pipe gets all of them."""
    ids = tuple(f"1xkbbg000000000{number}" for number in range(4))
    stage.announce("builder-1", busy=4, running=ids)
    with tq.on_terminal("agents") as terminal:
        assert terminal.wait() == 0
    assert terminal.screen.splitlines()[1].endswith(f"busy   {ids[0]} +3")
    assert tq("agents").text.endswith(" ".join(ids))


def test_nobody_there_says_what_to_type_next(tq: Tq) -> None:
    """On stderr: there is no data."""
    done = tq("agents")
    assert (done.code, done.stdout) == (0, b"")
    assert "tq agent" in done.stderr


def test_drained_agent_finishes_and_leaves(tq: Tq, stage: Stage, agent: AgentProcess) -> None:
    """It takes nothing new."""
    spec = stage.submit(work=Shell(("sleep", "1")))
    eventually(lambda: stage.read(spec)[0].state is State.RUNNING, 20)
    done = tq("agents", "drain", agent.name)
    assert done.code == 0
    assert done.text.startswith(f"agent {agent.name} drains")
    assert agent.process.wait(20) == 0
    assert stage.read(spec)[0].state is State.SUCCEEDED
    assert eventually(lambda: agent.name not in list_agents(tq), 20)


def test_unknown_agent_is_exit_3(tq: Tq, stage: Stage) -> None:
    """With the near name."""
    stage.announce("builder-1")
    done = tq("agents", "drain", "bilder-1")
    assert done.code == 3
    assert "did you mean 'builder-1'?" in done.stderr


def test_agent_in_the_foreground_runs_jobs_until_it_is_stopped(tq: Tq, stage: Stage) -> None:
    """Of the queues that it was given, with a name of its own."""
    with tq.start("agent", "-q", "gpu", "-q", "default", "-c", "3", "--name", "front-1") as process:
        assert eventually(lambda: list_agents(tq) == ["front-1"], 20)
        (shown,) = json.loads(tq("agents", "--json").stdout)
        assert (shown["slots"], shown["queues"]) == (3, ["gpu", "default"])
        spec = stage.submit(queue="gpu")
        assert wait_until_final(stage, spec).agent == "front-1"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_agent_names_itself_after_host_and_process(tq: Tq) -> None:
    """So that several on one host differ."""
    with tq.start("agent") as process:
        (name,) = eventually(lambda: list_agents(tq), 20)
        assert name.endswith(f"-{process.pid}")
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-q", "a.b"), "can't name a queue"),
        (("--name", "x y"), "can't name an agent"),
        (("-c", "0"), "slots"),
        (("-c", "many"), "whole number"),
    ],
)
def test_wrong_option_is_told(tq: Tq, words: tuple[str, ...], message: str) -> None:
    """Before anything is connected."""
    done = tq("agent", *words)
    assert (done.code, done.stdout) == (2, b"")
    assert message in done.stderr
