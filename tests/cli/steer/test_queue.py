"""`tq queue`: the queues, and what an operator does to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.agents import AgentProcess, wait_until_final
from tqcli.core.spec import Shell
from tqcli.core.state import State

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.stage import Stage
    from tests.support.tq import Tq


def load_queue(tq: Tq, name: str) -> dict[str, Any]:
    """Return one queue as `tq queue ls --json` has it."""
    queues: list[dict[str, Any]] = json.loads(tq("queue", "ls", "--json").stdout)
    return next(queue for queue in queues if queue["name"] == name)


def test_queues_are_listed(tq: Tq, stage: Stage) -> None:
    """What waits, what runs, who serves them."""
    stage.open("gpu")
    stage.submit(queue="gpu")
    stage.announce("host-a", queues=("gpu",), slots=4)
    lines = [line.split() for line in tq("queue", "ls").text.splitlines()]
    assert lines[1:] == [
        ["default", "0", "0", "-", "0", "0", "open"],
        ["gpu", "1", "0", "-", "1", "4", "open"],
    ]


def test_closed_stdin_is_nobody_to_ask(tq: Tq, stage: Stage) -> None:
    """As in a service: a purge is done, a password is missing."""
    stage.submit()
    assert tq.shell("tq queue purge default <&-").text.endswith("1 job cancelled")
    assert tq.shell("tq context add lab --user ann --server nats://127.0.0.1:1 --no-check <&-").code == 2


def test_unused_broker_says_what_to_type_next(tq: Tq) -> None:
    """On stderr: there is no data."""
    done = tq("queue", "ls")
    assert (done.code, done.stdout) == (0, b"")
    assert "tq queue add" in done.stderr


def test_queue_comes_and_goes(tq: Tq) -> None:
    """Adding it twice is fine."""
    assert tq("queue", "add", "gpu").text == "queue gpu added"
    again = tq("queue", "add", "gpu")
    assert (again.code, again.text) == (0, "queue gpu is there already")
    assert load_queue(tq, "gpu")["queued"] == 0
    assert tq("queue", "rm", "gpu").text == "queue gpu removed"
    assert tq("queue", "pause", "gpu").code == 3


def test_queue_with_jobs_stays(tq: Tq, stage: Stage) -> None:
    """They would wait for ever, unseen."""
    stage.open("gpu")
    stage.submit(queue="gpu")
    done = tq("queue", "rm", "gpu")
    assert (done.code, done.stdout) == (4, b"")
    assert "tq queue purge gpu" in done.stderr
    assert load_queue(tq, "gpu")["queued"] == 1


def test_paused_queue_starts_nothing_until_it_is_resumed(tq: Tq, stage: Stage, agent: AgentProcess) -> None:
    """Jobs can still be submitted."""
    assert tq("queue", "pause", "default").text == "queue default paused"
    spec = stage.submit()
    assert load_queue(tq, "default")["paused"] is True
    assert tq("wait", "--timeout", "500ms", str(spec.id)).code == 124
    assert tq("queue", "resume", "default").text == "queue default resumed"
    assert wait_until_final(stage, spec).state is State.SUCCEEDED
    assert agent.process.poll() is None


def test_pause_may_end_by_itself(tq: Tq) -> None:
    """It says until when."""
    assert tq("queue", "pause", "default", "--for", "2h").text == "queue default paused for 2h"
    assert "paused until" in tq("queue", "ls").text


def test_limit_holds_over_two_agents(tq: Tq, stage: Stage, tmp_path: Path) -> None:
    """Exactly: never more at once, whatever slots are free."""
    assert tq("queue", "limit", "default", "1").text == "queue default runs at most 1 at once"
    log = tmp_path / "log"
    line = f"echo start >> {log}; sleep 0.2; echo end >> {log}"
    with AgentProcess(stage, tmp_path), AgentProcess(stage, tmp_path):
        specs = [stage.submit(work=Shell((line,), line=True)) for _ in range(5)]
        for spec in specs:
            assert wait_until_final(stage, spec).state is State.SUCCEEDED
    assert log.read_text().split() == ["start", "end"] * 5


def test_limit_ends(tq: Tq) -> None:
    """With the word none."""
    tq("queue", "limit", "default", "3")
    assert load_queue(tq, "default")["limit"] == 3
    assert tq("queue", "limit", "default", "none").text == "queue default has no limit"
    assert load_queue(tq, "default")["limit"] is None


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1.5", "9" * 30])
def test_wrong_limit_is_told(tq: Tq, limit: str) -> None:
    """Nothing changes."""
    done = tq("queue", "limit", "default", "--", limit)
    assert (done.code, done.stdout) == (2, b"")
    assert "limit" in done.stderr


def test_purge_cancels_what_waits(tq: Tq, stage: Stage) -> None:
    """In a script it does not ask."""
    spec = stage.submit()
    stage.submit_group(range(4))
    done = tq("queue", "purge", "default")
    assert (done.code, done.text) == (0, "queue default purged: 5 jobs cancelled")
    assert stage.read(spec)[0].state is State.CANCELLED


@pytest.mark.parametrize(("answer", "code", "state"), [(b"n\n", 130, State.QUEUED), (b"y\n", 0, State.CANCELLED)])
def test_purge_asks_on_a_terminal(tq: Tq, stage: Stage, answer: bytes, code: int, state: State) -> None:
    """And takes no for an answer."""
    spec = stage.submit()
    with tq.on_terminal("queue", "purge", "default") as terminal:
        terminal.read_until("Cancel 1 waiting job of default? [y/N]")
        terminal.send(answer)
        assert terminal.wait() == code
    assert stage.read(spec)[0].state is state


def test_purge_does_not_ask_who_said_yes(tq: Tq, stage: Stage) -> None:
    """With --yes."""
    spec = stage.submit()
    with tq.on_terminal("queue", "purge", "default", "--yes") as terminal:
        assert terminal.wait() == 0
    assert stage.read(spec)[0].state is State.CANCELLED


@pytest.mark.parametrize("words", [("pause",), ("resume",), ("limit", "2"), ("purge",)])
def test_unknown_queue_is_exit_3(tq: Tq, stage: Stage, words: tuple[str, ...]) -> None:
    """With the near name."""
    stage.open("reports")
    done = tq("queue", words[0], "report", *words[1:])
    assert (done.code, done.stdout) == (3, b"")
    assert "did you mean 'reports'?" in done.stderr


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("name", ["a.b", "*", ">", "a b", "x" * 10_000, "\x1b[2J"])
def test_bad_name_makes_no_queue(tq: Tq, name: str) -> None:
    """The message is short, and safe to show."""
    done = tq("queue", "add", name)
    assert done.code == 2
    assert "can't name a queue" in done.stderr
    assert len(done.stderr) < 300
    assert "\x1b" not in done.stderr
    assert [queue["name"] for queue in json.loads(tq("queue", "ls", "--json").stdout)] == ["default"]
