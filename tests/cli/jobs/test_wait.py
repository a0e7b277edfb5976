"""`tq wait`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.cli.jobs.conftest import UNSERVED
from tests.support.tq import Tq
from tqcli.cli.output import Output
from tqcli.cli.session import Session
from tqcli.cli.waiting import print_document
from tqcli.client.watch import GroupWatch
from tqcli.core.outcome import Exited, Failure, Raised, TimedOut
from tqcli.core.state import Reason
from tqcli.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.stage import Stage


def test_waiting_ends_as_the_job(tq: Tq) -> None:
    """Also for one that ends only now; stderr says how it failed."""
    job_id = tq("submit", "--shell", "--", "sleep 0.5; exit 42").text
    ended = tq("wait", job_id)
    assert (ended.code, ended.stdout) == (42, b"")
    assert ended.stderr == f"tq: job {job_id} failed with exit code 42\n"
    tq("submit", "--", "true")
    assert tq("wait") == (0, b"", "")


def test_long_failure_is_told_whole(tq: Tq, served: Stage) -> None:
    """With all of its lines, but for what would move the cursor."""
    spec = served.submit(queue=UNSERVED)
    served.finish(spec, Raised(Failure("ValueError", f"{'x' * 200}\nand\x1b[2J")), reason=Reason.ERROR)
    assert tq("wait", str(spec.id)).stderr == f"tq: job {spec.id} failed: ValueError: {'x' * 200}\nand\\x1b[2J\n"


def test_worst_of_several_counts(tq: Tq, served: Stage) -> None:
    """Of jobs, elements and groups."""
    jobs = [served.submit(queue=UNSERVED) for _ in range(2)]
    served.finish(jobs[0])
    served.finish(jobs[1], TimedOut(), reason=Reason.TIMEOUT)
    group = served.submit_group([3, 4], queue=UNSERVED)
    for spec in group:
        served.finish(spec, Exited(spec.index), reason=Reason.EXIT)
    assert tq("wait", str(jobs[0].id)).code == 0
    assert tq("wait", str(jobs[0].id), str(jobs[1].id)).code == 124
    assert tq("wait", str(jobs[0].id), str(group[0].id)).code == 3
    assert tq("wait", group[0].group, str(jobs[0].id)).code == 4
    documents = [json.loads(line) for line in tq("wait", "--json", group[0].group, str(jobs[1].id)).text.splitlines()]
    assert documents[0]["counts"] == {"failed": 2}
    assert (documents[1]["id"], documents[1]["reason"]) == (str(jobs[1].id), "timeout")


def test_any_ends_with_the_first(tq: Tq, served: Stage) -> None:
    """The others may go on."""
    waiting, done = served.submit(queue=UNSERVED), served.submit(queue=UNSERVED)
    served.finish(done, Exited(5), reason=Reason.EXIT)
    ended = tq("wait", "--any", str(waiting.id), str(done.id))
    assert (ended.code, ended.text) == (5, str(done.id))
    assert str(waiting.id) not in ended.stderr


def test_any_of_several_that_have_ended_is_the_one_that_ended_first(tq: Tq, served: Stage) -> None:
    """Whatever the order in which they are named; a group ends with the last of its jobs."""
    now = datetime.now(UTC)
    late, early = served.submit(queue=UNSERVED), served.submit(queue=UNSERVED)
    group = served.submit_group([1, 2], queue=UNSERVED)
    served.finish(late, Exited(5), reason=Reason.EXIT, at=now)
    served.finish(early, Exited(6), reason=Reason.EXIT, at=now - timedelta(seconds=5))
    served.finish(group[0], at=now - timedelta(seconds=9))
    served.finish(group[1], Exited(7), reason=Reason.EXIT, at=now - timedelta(seconds=1))
    ended = tq("wait", "--any", str(late.id), group[0].group, str(early.id))
    assert (ended.code, ended.text) == (6, str(early.id))
    ended = tq("wait", "--any", "--json", str(late.id), group[0].group)
    assert (ended.code, json.loads(ended.text)["id"]) == (7, group[0].group)


def test_document_is_waited_for_as_the_job_was(served: Stage, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """The broker may restart between the end of a group and the look at its jobs."""
    specs = served.submit_group([1], queue=UNSERVED)
    served.finish(specs[0])

    def restart() -> None:
        msg = "no leader"
        raise Unavailable(msg)

    session = Session(served.link, served.endpoint, key="stage")
    session.broker = served.meddle("$JS.API.DIRECT.GET", restart)
    print_document(session, Output(json=True), GroupWatch(served.broker, specs[0]))
    assert json.loads(capfdbinary.readouterr().out)["id"] == specs[0].group


def test_time_runs_out_with_124(tq: Tq, served: Stage) -> None:
    """And says how many have not ended."""
    spec, group = served.submit(queue=UNSERVED), served.submit_group([1], queue=UNSERVED)
    ended = tq("wait", "--timeout", "100ms", str(spec.id), group[0].group)
    assert (ended.code, ended.stderr) == (124, "tq: 2 of 2 have not ended\n")


def test_unknown_job_is_exit_3(tq: Tq) -> None:
    """Not a job that is pending for ever; and what is no id at all is wrong usage."""
    ended = tq("wait", "0000000000000000")
    assert (ended.code, ended.stdout) == (3, b"")
    assert "no job 0000000000000000" in ended.stderr
    assert tq("wait", "nonsense").code == 2
    assert "no job was submitted from here yet" in tq("wait").stderr


def test_bar_is_on_a_terminal_only(tq: Tq, tmp_path: Path) -> None:
    """With counts; it is gone at the end."""
    gate = tmp_path / "gate"
    gate.touch()
    group = tq("submit", "--array", "1-4", "--shell", "--", f"while test -e {gate}; do sleep 0.1; done").text
    with tq.on_terminal("wait", group) as terminal:
        terminal.read_until("waiting")
        gate.unlink()
        assert terminal.wait() == 0
    assert "waiting" in terminal.screen
    assert "/4" in terminal.screen
    assert tq("wait", group) == (0, b"", "")


def test_ctrl_c_leaves_the_job_alone(tq: Tq, served: Stage) -> None:
    """Whoever waits does not own it."""
    spec = served.submit(queue=UNSERVED)
    with tq.on_terminal("wait", str(spec.id), str(served.submit(queue=UNSERVED).id)) as terminal:
        terminal.read_until("waiting")
        terminal.send(b"\x03")
        assert terminal.wait() == 130
    assert "the 2 jobs go on; `tq wait " in terminal.screen
    assert json.loads(tq("status", "--json", str(spec.id)).stdout)["state"] == "queued"


def test_local_wait_says_that_nobody_runs_the_job(tmp_path: Path) -> None:
    """It would wait for ever."""
    tq = Tq(tmp_path)
    tq("submit", "--", "true")
    ended = tq("wait", "--timeout", "100ms")
    assert ended.code == 124
    assert "no agent is running; `tq up` starts one" in ended.stderr
