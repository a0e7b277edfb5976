"""`tq submit`."""

from __future__ import annotations

import json
import secrets
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.jobs.conftest import UNSERVED
from tests.support.eventually import eventually
from tests.support.tq import Tq
from tqcli.core.ids import parse_job_id
from tqcli.core.state import State
from tqcli.jetstream.topology import stream_state

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.stage import Stage


def count_accepted(stage: Stage) -> int:
    """Return how many jobs the broker ever accepted."""
    last: int = stage.run(stream_state(stage.link, stage.names.jobs))["last_seq"]
    return last


def test_id_alone_is_printed(tq: Tq, served: Stage) -> None:
    """So that a script can keep it; and `@last` is this job from now on."""
    ended = tq("submit", "-n", "hello", "-e", "A=b", "--", "echo", "-n", "{}")
    assert (ended.code, ended.stderr) == (0, "")
    job = served.load_job(parse_job_id(ended.text))
    assert (job.command, job.name, job.cwd) == (("echo", "-n", "{}"), "hello", str(tq.home))
    assert tq("wait").code == 0


def test_words_after_the_command_are_its_own(tq: Tq, served: Stage) -> None:
    """Options too, with and without `--`."""
    for words in (("--", "ls", "--json", "-q"), ("ls", "--json", "-q")):
        job = served.load_job(parse_job_id(tq("submit", *words).text))
        assert job.command == ("ls", "--json", "-q")


def test_json_tells_what_was_submitted(tq: Tq) -> None:
    """One document."""
    single = json.loads(tq("submit", "--json", "--", "true").stdout)
    assert single == {"id": single["group"], "group": single["group"], "size": None, "queue": "default"}
    assert json.loads(tq("submit", "--json", "--array", "1-3", "--", "true").stdout)["size"] == 3


def test_python_function_gets_its_arguments(tq: Tq) -> None:
    """From `--args` by place, from `--arg` by name, JSON where it is JSON; found in the job's directory."""
    (tq.home / "shapes.py").write_text("def area(a, b, *, unit, scale): return [a, b, unit, scale]\n")
    words = ("--py", "shapes:area", "--args", "[2, [3]]", "--arg", "unit=cm", "--arg", "scale=1.5")
    assert tq("submit", "--wait", *words).code == 0
    assert tq("result").text == '[2,[3],"cm",1.5]'


def test_each_line_is_a_job(tq: Tq) -> None:
    """Names with blanks and quotes arrive whole; the output is in the order of the lines."""
    names = ["plain", "two words", "it's", '$HOME "x"', "ünï"]
    for name in names:
        (tq.home / name).write_text(f"in {name}\n")
    listed = "\n\n".join(names).encode()
    ended = tq("submit", "--wait", "--each-line", "-", "--", "cat", "{}", stdin=listed)
    assert ended.code == 0
    assert tq("logs", ended.text).text == "\n".join(f"in {name}" for name in names)


def test_line_without_a_command_is_a_shell_command(tq: Tq) -> None:
    """And the group ends as its worst job."""
    ended = tq("submit", "--wait", "--each-line", "-", stdin=b"exit 3\necho $((1+1))\nexit 2\n")
    assert ended.code == 3
    assert "of 3 jobs 2 failed" in ended.stderr
    assert tq("logs").text == "2"


def test_array_elements_see_their_index(tq: Tq) -> None:
    """As TQ_INDEX."""
    ended = tq("submit", "--wait", "--array", "2-8:3", "--shell", "--", "echo $TQ_GROUP.$TQ_INDEX")
    assert tq("logs").text.splitlines() == [f"{ended.text}.{index}" for index in (2, 5, 8)]


def test_job_file_is_submitted(tq: Tq) -> None:
    """Options on the line win over it."""
    (tq.home / "job.toml").write_text(
        'shell = "echo $GREETING $NAME"\nname = "file"\n[env]\nGREETING = "hi"\nNAME = "a"\n'
    )
    ended = tq("submit", "-f", "job.toml", "-e", "NAME=b", "--follow")
    assert (ended.code, ended.text) == (0, "hi b")


def test_stdin_of_any_size_reaches_the_job(tq: Tq) -> None:
    """Byte for byte, from a pipe and from a file."""
    short, long = bytes(range(256)), bytes(range(256)) * 2000
    assert tq("run", "--stdin", "-", "--", "cat", stdin=short).stdout == short
    (tq.home / "long").write_bytes(long)
    assert tq("run", "--stdin", "long", "--", "cat").stdout == long


def test_waiting_submit_ends_as_the_job(tq: Tq) -> None:
    """And says why it failed, since the job's output is not shown."""
    ended = tq("submit", "--wait", "--", "sh", "-c", "echo unseen; exit 9")
    assert (ended.code, len(ended.text)) == (9, 16)
    assert f"tq: job {ended.text} failed with exit code 9" in ended.stderr


def test_ctrl_c_leaves_a_submitted_job_alone(tq: Tq, served: Stage) -> None:
    """It was submitted to go on without us; and how to come back to it is said."""
    with tq.on_terminal("submit", "-q", "idle", "--wait", "--", "true") as terminal:
        job_id = terminal.read_until("\n").split()[0]
        terminal.send(b"\x03")
        assert terminal.wait() == 130
    assert f"job {job_id} goes on; `tq wait {job_id}` waits for it" in terminal.screen
    assert served.load_job(parse_job_id(job_id)).state is State.QUEUED


def test_following_submit_shows_the_output(tq: Tq) -> None:
    """On its own streams; the id goes to stderr."""
    ended = tq("submit", "--follow", "--", "sh", "-c", "echo out; echo err >&2; exit 4")
    assert (ended.code, ended.text) == (4, "out")
    assert ended.stderr.splitlines()[1:] == ["err"]


def test_following_a_group_shows_whole_lines(tq: Tq) -> None:
    """As they come."""
    ended = tq(
        "submit", "--follow", "--array", "1-4", "--shell", "--", "printf $TQ_INDEX; sleep 0.1; printf '%s\\nend' x"
    )
    assert ended.code == 0
    assert sorted(ended.text.splitlines()) == ["1x", "2x", "3x", "4x", "end", "end", "end", "end"]


def test_waiting_submit_prints_json_at_the_end(tq: Tq) -> None:
    """The job as it ended; of a group, its counts."""
    ended = tq("submit", "--wait", "--json", "--", "false")
    job = json.loads(ended.stdout)
    assert (ended.code, ended.stderr, job["state"], job["exit_code"]) == (1, "", "failed", 1)
    ended = tq("submit", "--follow", "--json", "--array", "1-2", "--", "true")
    assert json.loads(ended.stdout)["counts"] == {"succeeded": 2}


def test_key_is_submitted_once(tq: Tq, served: Stage) -> None:
    """The second try gets the id of the first; a run with the key shows what that one printed."""
    first = tq("submit", "--key", "once", "--", "echo", "hi")
    assert first.code == 0
    before = count_accepted(served)
    second = tq("submit", "--key", "once", "--", "echo", "hi")
    assert (second.code, second.text) == (0, first.text)
    assert "was submitted before with this key" in second.stderr
    assert tq("run", "--key", "once", "--", "echo", "hi").text == "hi"
    assert count_accepted(served) == before


def test_json_tells_whether_the_key_existed(tq: Tq) -> None:
    """So that a script needs no stderr."""
    words = ("submit", "--json", "--key", "told", "--", "true")
    first, second = (json.loads(tq(*words).stdout) for _ in range(2))
    assert (first["existed"], second["existed"]) == (False, True)
    assert first["id"] == second["id"]


def test_key_of_another_command_is_told(tq: Tq) -> None:
    """It was not run."""
    assert tq("submit", "--key", "other", "--", "echo", "a").stderr == ""
    ended = tq("submit", "--key", "other", "--", "echo", "b")
    assert ended.code == 0
    assert "it runs something else than this one" in ended.stderr
    words = ("submit", "--key", "lines", "--each-line", "-", "--", "echo", "{}")
    tq(*words, stdin=b"a\nb\n")
    assert "something else" not in tq(*words, stdin=b"a\nb\n").stderr


def test_key_of_a_job_file_counts(tq: Tq) -> None:
    """As that of the command line, which wins."""
    (tq.home / "job.toml").write_text('command = ["true"]\nkey = "of the file"\n')
    first = tq("submit", "-f", "job.toml")
    assert first.text == tq("submit", "--key", "of the file", "--", "true").text
    assert first.text != tq("submit", "-f", "job.toml", "--key", "of the line").text


def test_id_that_nobody_gets_is_on_stderr(tq: Tq, served: Stage) -> None:
    """The job is accepted, so its id must not be lost."""
    ended = tq.shell("tq submit -- true > /dev/full")
    assert ended.code == 75
    job_id = ended.stderr.split()[2]
    assert ended.stderr.startswith(f"error: job {job_id} was accepted, but stdout can't be written")
    assert served.load_job(parse_job_id(job_id)).command == ("true",)


BAD = {
    "no command": ((), 2, "there is no command"),
    "unknown option": (("--retires", "3", "--", "true"), 2, "--retries"),
    "unknown queue": (("-q", "idel", "--", "true"), 3, "did you mean 'idle'"),
    "queue with a dot": (("-q", "a.b", "--", "true"), 2, "can't name a queue"),
    "queue with a star": (("-q", "*", "--", "true"), 2, "can't name a queue"),
    "queue with a wildcard": (("-q", ">", "--", "true"), 2, "can't name a queue"),
    "queue with a blank": (("-q", "a b", "--", "true"), 2, "can't name a queue"),
    "queue with a control character": (("-q", "a\x1b", "--", "true"), 2, "can't name a queue"),
    "queue of 10,000 characters": (("-q", "x" * 10_000, "--", "true"), 2, "can't name a queue"),
    "name that does not print": (("-n", "a\nb", "--", "true"), 2, "can't be a job's name"),
    "binary argument": (("--", "echo", b"\xff".decode(errors="surrogateescape")), 2, "not valid UTF-8"),
    "two things to run": (("--py", "math:sqrt", "--", "true"), 2, "--py"),
    "arguments for no function": (("--args", "[1]", "--", "true"), 2, "no Python entrypoint"),
    "arguments that are no JSON": (("--py", "math:sqrt", "--args", "[1"), 2, "is not a JSON array"),
    "array the wrong way round": (("--array", "9-1", "--", "true"), 2, "ends before it starts"),
    "array and lines": (("--array", "1-2", "--each-line", "-", "--", "true"), 2, "--each-line and --array"),
    "no lines": (("--each-line", "-", "--", "true"), 2, "there is no line"),
    "missing file of lines": (("--each-line", "nowhere", "--", "true"), 2, "can't be read: No such file"),
    "missing stdin": (("--stdin", "nowhere", "--", "true"), 2, "can't be read: No such file"),
    "directory as stdin": (("--stdin", ".", "--", "cat"), 2, "Is a directory"),
    "missing job file": (("-f", "nowhere.toml"), 2, "can't be read"),
    "empty key": (("--key", "", "--", "true"), 2, "can't be a key"),
    "negative retries": (("--retries", "-1", "--", "true"), 2, "--retries: -1 is too small"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_explained_and_nothing_is_sent(case: str, tq: Tq, served: Stage) -> None:
    """The message says what is wrong, the hint what to do, the exit code whose fault it is."""
    words, code, message = BAD[case]
    before = count_accepted(served)
    ended = tq("submit", *words)
    assert (ended.code, ended.stdout) == (code, b"")
    assert ended.stderr.startswith("error: ")
    assert message in ended.stderr
    assert len(ended.stderr) < 600
    assert count_accepted(served) == before


def test_too_much_environment_is_refused(tq: Tq, served: Stage) -> None:
    """2 MiB in sixteen variables: more than a program can be given."""
    before = count_accepted(served)
    words = [word for number in range(16) for word in ("-e", f"V{number}={'x' * 100_000}")]
    ended = tq("submit", *words, "--", "true")
    assert ended.code == 2
    assert "the environment is too big" in ended.stderr
    assert count_accepted(served) == before


def test_terminal_is_no_input(tq: Tq, served: Stage) -> None:
    """Nobody would know that tq waits for typing."""
    before = count_accepted(served)
    for option in ("--stdin", "--each-line"):
        with tq.on_terminal("submit", option, "-", "--", "cat") as terminal:
            assert terminal.wait() == 2
            assert f"{option}: standard input is a terminal" in terminal.screen
    assert count_accepted(served) == before


def test_bulk_submit_shows_a_bar_on_a_terminal_only(tq: Tq) -> None:
    """It is gone at the end, and a pipe never sees it."""
    with tq.on_terminal("submit", "-q", "idle", "--array", "1-30000", "--", "true") as terminal:
        assert terminal.wait() == 0
    assert "submitting" in terminal.screen
    assert "30,000" in terminal.screen
    ended = tq("submit", "-q", "idle", "--array", "1-3000", "--", "true")
    assert (ended.code, ended.stderr) == (0, "")


def test_unreachable_broker_is_named(tmp_path: Path) -> None:
    """Within seconds, and nothing is printed that could be taken for an id."""
    ended = Tq(tmp_path)("--server", "nats://127.0.0.1:9", "submit", "--", "true", timeout_s=10)
    assert (ended.code, ended.stdout) == (69, b"")
    assert "127.0.0.1:9" in ended.stderr


def test_local_submit_says_that_nobody_runs_it(tmp_path: Path) -> None:
    """It is accepted, and waits for `tq up`; the next command finds it."""
    tq = Tq(tmp_path)
    ended = tq("submit", "--", "true")
    assert (ended.code, len(ended.text)) == (0, 16)
    assert ended.stderr == "tq: no agent is running; `tq up` starts one\n"
    assert json.loads(tq("status", "--json", ended.text).stdout)["state"] == "queued"


def test_local_waiting_submit_brings_an_agent(tmp_path: Path) -> None:
    """For its own duration, as `tq run` does."""
    ended = Tq(tmp_path)("submit", "--wait", "--", "sh", "-c", "exit 6")
    assert ended.code == 6
    assert "no agent" not in ended.stderr


def test_interrupted_submit_shows_its_id_as_json(tq: Tq) -> None:
    """Whether the job was on its way or waited for; it is the last one, too."""
    name = secrets.token_hex(4)
    with tq.start("submit", "--json", "--wait", "-q", UNSERVED, "-n", name, "--", "true") as submitting:
        eventually(lambda: name.encode() in tq("ls", "--json").stdout, 20)
        submitting.send_signal(signal.SIGINT)
        stdout, _ = submitting.communicate(timeout=20)
    assert submitting.returncode == 130
    job_id = json.loads(stdout)["id"]
    assert json.loads(tq("cancel", "--json").stdout)["id"] == job_id
