"""`tq ls`: recent jobs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tqcli.core.outcome import Exited
from tqcli.core.spec import Shell
from tqcli.core.state import Reason

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tests.support.tq import Tq


def list_ids(tq: Tq, *words: str) -> list[str]:
    """Return the ids of the jobs that `tq ls` lists."""
    return [json.loads(line)["id"] for line in tq("ls", "--json", *words).stdout.splitlines()]


def test_newest_job_comes_first(tq: Tq, stage: Stage) -> None:
    """With its state, its age and what it runs."""
    old = stage.submit(ago=timedelta(minutes=5), work=Shell(("make", "all")), name="nightly")
    new = stage.submit(work=Shell(("sleep", "60")))
    stage.complete(old, Exited(1), reason=Reason.EXIT)
    head, first, second = tq("ls").text.splitlines()
    assert head.split() == ["ID", "STATE", "QUEUE", "AGE", "TOOK", "JOB"]
    assert first.split()[:3] == [new.group, "queued", "default"]
    assert first.endswith("sleep 60")
    assert second.split()[:4] == [old.group, "failed", "default", "5m"]
    assert second.endswith("nightly: make all")


def test_table_fits_the_terminal(tq: Tq, stage: Stage) -> None:
    """80 columns, whatever a job is called."""
    stage.open("q" * 64)
    stage.submit(work=Shell(("echo", "x" * 500)), name="n" * 128, queue="q" * 64)
    specs = stage.submit_group([999_999_999], name="日本" * 60)
    with tq.on_terminal("ls") as terminal:
        assert terminal.wait() == 0
    assert max(map(len, terminal.screen.splitlines())) <= 80
    assert "…" in terminal.screen
    assert str(specs[0].id) in terminal.screen, "ids are whole, so that they can be copied"


def test_pipe_gets_whole_lines(tq: Tq, stage: Stage) -> None:
    """There is no width to fit."""
    stage.submit(work=Shell(("echo", "x" * 500)))
    assert "x" * 500 in tq("ls").text


def test_json_is_a_document_a_line(tq: Tq, stage: Stage) -> None:
    """The same as `tq status` has."""
    spec = stage.submit()
    (line,) = tq("ls", "--json").stdout.splitlines()
    assert json.loads(line) == json.loads(tq("status", "--json", str(spec.id)).stdout)


def test_limit_is_20_unless_given(tq: Tq, stage: Stage) -> None:
    """A screenful."""
    stage.submit_group(range(30))
    assert (len(list_ids(tq)), len(list_ids(tq, "--limit", "25"))) == (20, 25)
    cut, chosen = tq("ls"), tq("ls", "--limit", "20")
    assert (len(cut.text.splitlines()), cut.stderr) == (21, "more: --limit N\n")
    assert (len(chosen.text.splitlines()), chosen.stderr) == (21, "")


def test_narrow_terminal_has_what_the_job_is(tq: Tq, stage: Stage) -> None:
    """And its id whole."""
    spec = stage.submit(work=Shell(("make", "all")))
    with tq.on_terminal("ls", columns=40) as terminal:
        assert terminal.wait() == 0
    head, line = terminal.screen.splitlines()
    assert head.split()[:2] == ["ID", "STATE"]
    assert line.startswith(f"{spec.group}  queued")
    assert line.endswith("make all")
    assert max(len(head), len(line)) <= 40


def test_filters_go_together(tq: Tq, stage: Stage) -> None:
    """State, queue, name and age."""
    stage.open("gpu")
    wanted = stage.submit(queue="gpu", name="train")
    for fields in ({"queue": "gpu"}, {"name": "train"}, {"queue": "gpu", "name": "train", "ago": timedelta(days=2)}):
        stage.submit(**fields)
    done = stage.submit(queue="gpu", name="train")
    stage.finish(done)
    words = ("-q", "gpu", "-n", "train", "--since", "1d", "-s", "queued", "-s", "running")
    assert list_ids(tq, *words) == [str(wanted.id)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--state", "runing"), "running"),
        (("--limit", "0"), "at least 1"),
        (("--since", "5"), "no unit"),
        (("--queue", "a.b"), "can't name a queue"),
        (("--qeue", "a"), "--queue"),
    ],
)
def test_wrong_filter_is_told(tq: Tq, words: tuple[str, ...], message: str) -> None:
    """With the near word, where there is one."""
    done = tq("ls", *words)
    assert (done.code, done.stdout) == (2, b"")
    assert message in done.stderr


def test_unknown_queue_is_exit_3(tq: Tq, stage: Stage) -> None:
    """A typo is no empty queue."""
    stage.open("reports")
    done = tq("ls", "-q", "report")
    assert done.code == 3
    assert "did you mean 'reports'?" in done.stderr


def test_empty_queue_is_no_error(tq: Tq, stage: Stage) -> None:
    """Nothing is listed on stdout."""
    stage.open("reports")
    done = tq("ls", "-q", "reports")
    assert (done.code, done.stdout, done.stderr) == (0, b"", "no job matches\n")


def test_unused_broker_says_what_to_type_next(tq: Tq) -> None:
    """On stderr: there is no data."""
    done = tq("ls")
    assert (done.code, done.stdout) == (0, b"")
    assert "tq run" in done.stderr


def test_reader_that_leaves_is_no_error_to_report(tq: Tq, stage: Stage) -> None:
    """`tq ls | head -1` says nothing of a broken pipe."""
    stage.submit_group(range(3_000))
    done = tq.shell("tq ls --limit 3000 --json | head -1 | wc -l; exit ${PIPESTATUS[1]}")
    assert (done.code, done.text.strip(), done.stderr) == (0, "1", "")
