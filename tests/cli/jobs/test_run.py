"""`tq run`."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.jobs.conftest import UNSERVED
from tests.support.agents import AgentProcess
from tests.support.eventually import eventually
from tests.support.server import NatsServer
from tests.support.stage import Stage
from tests.support.tq import CTRL_C, Tq, make_staged_tq
from tqcli.core.ids import parse_job_id
from tqcli.core.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tqcli.core.job import Job


@pytest.fixture
def fresh_fleet(tmp_path: Path) -> Iterator[tuple[Tq, NatsServer]]:
    """Give a `tq` and a broker of the test's own, with an agent."""
    with NatsServer(user="tq", password="secret") as server:  # noqa: S106
        stage = Stage(server.endpoint, "tq")
        stage.open("default")
        with AgentProcess(stage, tmp_path):
            yield make_staged_tq(stage, tmp_path / "home"), server
        stage.close()


def load_last(tq: Tq, stage: Stage) -> Job:
    """Return the job that was submitted last."""
    job_id = json.loads(tq("status", "--json", "@last").stdout)["id"]
    return stage.load_job(parse_job_id(job_id))


def test_streams_are_those_of_the_job(tq: Tq) -> None:
    """Byte for byte, whatever the bytes are, and nothing of our own."""
    program = r"import os; os.write(1, bytes(range(256)) * 4000); os.write(2, b'\xff\r\n\0err')"
    ended = tq("run", "--", "python3", "-c", program)
    assert ended.code == 0
    assert ended.stdout == bytes(range(256)) * 4000
    assert ended.stderr == b"\xff\r\n\0err".decode(errors="replace")


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("true", 0, ""),
        ("exit 1", 1, ""),
        ("exit 123", 123, ""),
        ("exit 255", 255, ""),
        ("kill -9 $$", 137, "ended by SIGKILL (9)"),
        ("kill -15 $$", 143, "ended by SIGTERM (15)"),
    ],
)
def test_exit_code_is_that_of_the_job(tq: Tq, line: str, code: int, message: str) -> None:
    """A signal is named, since nothing else tells of it."""
    ended = tq("run", "--shell", "--", line)
    assert ended.code == code
    assert message in ended.stderr
    assert bool(message) == bool(ended.stderr)


def test_program_that_is_not_there(tq: Tq) -> None:
    """As a shell ends: 127, and 126 where it can't be executed."""
    ended = tq("run", "--", "no-such-program")
    assert (ended.code, ended.stdout) == (127, b"")
    assert ended.stderr.startswith("tq: job ")
    assert "no-such-program" in ended.stderr
    (tq.home / "data").write_text("x")
    assert tq("run", "--", "./data").code == 126
    ended = tq("run", "--cwd", "nowhere", "--", "true")
    assert ended.code == 126
    assert "nowhere" in ended.stderr


def test_timeout_ends_with_124(tq: Tq) -> None:
    """As timeout(1)."""
    ended = tq("run", "--timeout", "200ms", "--", "sleep", "60")
    assert ended.code == 124
    assert "timed out" in ended.stderr


def test_python_exception_is_on_stderr(tq: Tq) -> None:
    """Once, and the exit code is 1."""
    ended = tq("run", "--py", "math:factorial", "--args", "[-1]")
    assert (ended.code, ended.stdout) == (1, b"")
    assert ended.stderr.count("ValueError") == 1


def test_failure_that_the_job_does_not_tell_is_told_whole(tq: Tq, tmp_path: Path) -> None:
    """A result that nobody can read, say."""
    (tmp_path / "garble.py").write_text("import os\ndef garble(): os.write(3, b'{')\n")
    ended = tq("run", "--isolation", "fresh", "--py", "garble:garble", cwd=tmp_path)
    assert (ended.code, ended.stdout) == (1, b"")
    assert "BadResult: what the job wrote as its result can't be read: " in ended.stderr


def test_terminal_gets_the_bytes_of_the_job(tq: Tq) -> None:
    """Colours and all, as without tq."""
    with tq.on_terminal("run", "--", "printf", r"\033[31mred\033[0m\n") as terminal:
        assert terminal.wait() == 0
    assert "\x1b[31mred\x1b[0m\n" in terminal.screen


def test_all_attempts_are_shown(tq: Tq) -> None:
    """What the first one printed too; the exit code is that of the last."""
    line = "echo $TQ_ATTEMPT; test $TQ_ATTEMPT = 3"
    ended = tq("run", "--retries", "5", "--backoff", "none", "--shell", "--", line)
    assert (ended.code, ended.text) == (0, "1\n2\n3")


def test_output_comes_while_the_job_runs(tq: Tq) -> None:
    """Not at its end."""
    fifo = tq.home / "gate"
    os.mkfifo(fifo)
    with tq.start("run", "--shell", "--", "echo first; read line < gate; echo $line") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        fifo.write_text("second\n")
        assert process.stdout.read() == b"second\n"
        assert process.wait(20) == 0


def test_json_is_the_job_at_the_end(tq: Tq) -> None:
    """Instead of its output."""
    ended = tq("run", "--json", "--shell", "--", "echo out; echo err >&2; exit 3")
    job = json.loads(ended.stdout)
    assert (ended.code, ended.stderr, job["state"], job["exit_code"]) == (3, "", "failed", 3)
    assert job["output"] == {"stdout": 4, "stderr": 4}


def test_group_of_a_job_file_is_run(tq: Tq) -> None:
    """Its lines as they come, its exit code the worst."""
    (tq.home / "job.toml").write_text('shell = "echo $TQ_INDEX; exit $TQ_INDEX"\narray = "0-3"\n')
    ended = tq("run", "-f", "job.toml")
    assert (ended.code, sorted(ended.text.splitlines())) == (3, ["0", "1", "2", "3"])
    assert "of 4 jobs 3 failed" in ended.stderr


def test_ctrl_c_cancels_the_job(tq: Tq, served: Stage) -> None:
    """Its processes end, and so do we, with 130."""
    line = "trap 'sleep 1.2; echo cleaned up; exit' TERM; echo $$; while :; do sleep 0.05; done"
    with tq.on_terminal("run", "--shell", "--", line) as terminal:
        pid = int(terminal.read_until("\n").split()[0])
        terminal.send(CTRL_C)
        assert terminal.wait() == 130
    assert "cleaned up" in terminal.screen
    assert load_last(tq, served).state is State.CANCELLED
    assert not os.path.exists(f"/proc/{pid}")  # noqa: PTH110


def test_sigterm_cancels_the_job(tq: Tq, served: Stage) -> None:
    """As Ctrl-C does: whoever stops us wants the work to stop."""
    with tq.start("run", "--shell", "--", "echo started; exec sleep 60") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 130
    assert load_last(tq, served).state is State.CANCELLED


def test_two_sigterms_at_once_are_one(tq: Tq, served: Stage) -> None:
    """As timeout(1) sends them: the job is cancelled, which is said once."""
    with tq.start("run", "--shell", "--", "echo started; exec sleep 60") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 130
        assert process.stderr.read().count(b"cancelling job") == 1
    assert load_last(tq, served).state is State.CANCELLED


def test_queued_job_is_cancelled_too(tq: Tq, served: Stage) -> None:
    """It never starts."""
    with tq.start("run", "-q", UNSERVED, "--", "true") as process:
        eventually(lambda: tq("status", "--json", "@last").code == 0, 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    job = load_last(tq, served)
    assert (job.state, job.attempt) == (State.CANCELLED, 0)


def test_second_ctrl_c_leaves(fresh_fleet: tuple[Tq, NatsServer]) -> None:
    """At once, also where the broker does not answer; and says how to reach the job."""
    tq, server = fresh_fleet
    with tq.on_terminal("run", "--shell", "--", "echo started; exec sleep 60") as terminal:
        terminal.read_until("started")
        server.freeze()
        terminal.send(CTRL_C)
        terminal.read_until("cancelling job")
        terminal.send(CTRL_C)
        assert terminal.wait() == 130
        server.thaw()
    assert "is left alone: `tq status " in terminal.screen


def test_reader_that_leaves_ends_the_job(tq: Tq, served: Stage) -> None:
    """`tq run -- yes | head -1`: nobody wants the rest."""
    ended = tq.shell("tq run -- yes | head -1")
    assert (ended.code, ended.stdout, ended.stderr) == (141, b"y\n", "")
    assert load_last(tq, served).state is State.CANCELLED


def test_lost_broker_is_waited_for(fresh_fleet: tuple[Tq, NatsServer]) -> None:
    """The job goes on, and so does its output once the broker is back."""
    tq, server = fresh_fleet
    fifo = tq.home / "gate"
    os.mkfifo(fifo)
    with tq.start("run", "--shell", "--", "echo one; read line < gate; echo two; exit 5") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"one\n"
        server.stop()
        assert b"lost" in process.stderr.readline()
        fifo.write_text("go\n")
        server.start()
        assert process.stdout.read() == b"two\n"
        assert process.wait(30) == 5


def test_missing_agent_is_told(tq: Tq) -> None:
    """After a few seconds, once."""
    with tq.start("run", "-q", UNSERVED, "--", "true") as process:
        assert process.stderr is not None
        assert b"no agent serves the queue idle" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_run_brings_what_is_missing(tmp_path: Path) -> None:
    """With nothing configured and nothing running."""
    ended = Tq(tmp_path)("run", "--", "sh", "-c", "echo hello; exit 7")
    assert (ended.code, ended.text, ended.stderr) == (7, "hello", "")


def test_job_that_nobody_starts_expires(tq: Tq, served: Stage) -> None:
    """At its time, not at the next look: as a job that timed out ends."""
    ended = tq("run", "-q", UNSERVED, "--expires", "100ms", "--", "true")
    assert (ended.code, ended.stdout) == (124, b"")
    assert "expired" in ended.stderr
    assert load_last(tq, served).state is State.EXPIRED
