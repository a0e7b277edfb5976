"""Bad input: what each mistake says, how it ends, and that nothing was sent."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.tq import Tq
from tqcli.jetstream.plain import connect_plain, drive
from tqcli.jetstream.subjects import Names
from tqcli.jetstream.topology import stream_state
from tqcli.local.background import local_status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = "x" * 10_000
GROUP = "1xkbbg00a7c3k9mf"


@pytest.fixture(scope="module")
def tq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tq]:
    """Return a tq with a local server and agent, and some job files that are wrong."""
    tq = Tq(tmp_path_factory.mktemp("bad"))
    files = {
        "typo.toml": 'comand = ["true"]\n',
        "syntax.toml": "command = [\n",
        "a.toml": 'include = "b.toml"\ncommand = ["true"]\n',
        "b.toml": 'include = "a.toml"\n',
        "binary.txt": "",
    }
    for name, text in files.items():
        (tq.home / name).write_text(text)
    (tq.home / "binary.txt").write_bytes(b"fine\n\xff\xfe\n")
    assert tq("up").code == 0
    yield tq
    tq("down")


def count_sent(tq: Tq) -> int:
    """Return how many jobs and records the local broker holds."""
    status = local_status(state=tq.state)
    assert status is not None
    link = connect_plain(status.endpoint)
    try:
        streams = [drive(stream_state(link, name)) for name in (Names().jobs, Names().records)]
    finally:
        drive(link.close())
    return sum(state["messages"] for state in streams)


NOTHING_SENT = [
    (["submit", "--retrys", "3", "--", "true"], 2, "--retrys", "--retries"),
    (["submit"], 2, "no command", "after --, as in: -- echo hello"),
    (["submit", "-q", "gpu", "--", "true"], 3, "no queue 'gpu'", "tq queue add gpu"),
    *[
        (["submit", "-q", name, "--", "true"], 2, "can't name a queue", "starts with a letter or digit")
        for name in ("a.b", "a*", "a>", "a b", "a\x1b[31m", "a\n", "Ä", "", LONG)
    ],
    (["submit", "-n", "a\x00b".replace("\x00", "\x1b"), "--", "true"], 2, "name", ""),
    (["submit", "--", "echo", b"\xff\xfe"], 2, "not valid UTF-8", "--stdin"),
    (["submit", "--each-line", "binary.txt", "--", "echo", "{}"], 2, "UTF-8", ""),
    (["submit", "--each-line", "no-such-file", "--", "echo"], 2, "no-such-file", ""),
    (["submit", "-f", "typo.toml"], 2, "typo.toml: there is no option 'comand'", "did you mean 'command'?"),
    (["submit", "-f", "syntax.toml"], 2, "syntax.toml is not TOML", ""),
    (["submit", "-f", "a.toml"], 2, "a.toml → b.toml → a.toml", "include"),
    (["submit", "-f", "none.toml"], 2, "none.toml", ""),
    (["submit", "-f", ""], 2, "--file: no file is named", "-f nightly.toml"),
    (["submit", "--cwd", "", "--", "true"], 2, "cwd is empty", "leave it out"),
    (["ls", "--name", ""], 2, "can't be a job's name", ""),
    (["submit", "--stdin", "no-such-file", "--", "cat"], 2, "no-such-file", ""),
    (["submit", "--timeout", "5", "--", "true"], 2, "has no unit", "5s"),
    (["submit", "--backoff", "soon", "--", "true"], 2, "not a backoff", "exp:1s..5m"),
    (["submit", "--retry-on", "1,abc", "--", "true"], 2, "abc", ""),
    *[
        (["submit", "--retries", number, "--", "true"], 2, "--retries: ", "a whole number from 0 to 10,000")
        for number in ("-1", "abc", "", "10001")
    ],
    (["submit", "--max-losses", "-1", "--", "true"], 2, "--max-losses: -1 is too small", "from 0 to 1,000"),
    (["submit", "--backoff", "fixed:-1s", "--", "true"], 2, "--backoff: '-1s'", "durations look like"),
    (["submit", "--retry-on", "foo", "--", "true"], 2, "--retry-on: 'foo'", "signal"),
    (["submit", "--array", "foo", "--", "true"], 2, "--array: 'foo' is not an array", "1-100:5"),
    (["submit", "-n", "", "--", "true"], 2, "--name: ''", "printable"),
    (["submit", "--key", "", "--", "true"], 2, "--key: ''", "printable"),
    (["submit", "--timeout", "0", "--", "true"], 2, "--timeout: the duration '0' has no unit", "write 90s"),
    (["submit", "--timeout", "0s", "--", "true"], 2, "--timeout: it must be more than 0s", "leave it out"),
    (["submit", "-n", b"a\xff", "--", "true"], 2, r"--name: 'a\xff'", ""),
    (["run", "--retry", "3", "--", "true"], 2, "no option '--retry'", "did you mean --retries or --retry-on?"),
    (["run", "--array", "1-3", "--", "true"], 2, "no option '--array'", "`tq submit` has it"),
    (["logs", "--tail", "abc"], 2, "--tail: 'abc'", "a whole number, at least 0"),
    (["ls", "--limit", "1.5"], 2, "--limit: '1.5'", "a whole number, at least 1"),
    (["ls", "--state", "failed,queued"], 2, "--state: 'failed,queued'", "-s failed -s queued"),
    (["agent", "-c", "0"], 2, "--slots: 0 is too small", "from 1 to 10,000"),
    (["up", "-c", "0"], 2, "--slots: 0 is too small", "from 1 to 10,000"),
    (["up", "--sync", "foo"], 2, "--sync: 'foo'", "durations look like"),
    (["queue", "limit", "default", "-1"], 2, "takes no negative number, but '-1' was given", ""),
    (["queue", "limit", "default", "9" * 20], 2, "the limit 9", "from 1 to 10,000, or none"),
    (["submit", "--array", "5-1", "--", "true"], 2, "ends before it starts", ""),
    (["submit", "--array", "1-9999999", "--", "true"], 2, "1,000,000", ""),
    (["submit", "--py", "nomodule"], 2, "does not name a Python function", "module:function"),
    (["submit", "--py", "a:b", "--args", "[1"], 2, "JSON", ""),
    (["submit", "--py", "a:b", "--arg", "novalue"], 2, "novalue", ""),
    (["--server", "nats://127.0.0.1:1", "submit", "--", "true"], 69, "nats://127.0.0.1:1", "nats-server runs there"),
    (["--server", "http://127.0.0.1", "submit", "--", "true"], 2, "http://127.0.0.1", ""),
    (["--context", "nope", "submit", "--", "true"], 78, "'nope'", "tq context add"),
    (["sumbit", "--", "true"], 2, "sumbit", "submit"),
]


@pytest.mark.parametrize(("words", "code", "message", "hint"), NOTHING_SENT)
def test_a_mistake_is_named_and_nothing_is_sent(
    tq: Tq, words: list[str | bytes], code: int, message: str, hint: str
) -> None:
    """The line says what is wrong, the hint what to do, the exit code whose fault it is; no job is anywhere."""
    # As the shell hands over bytes: what is no UTF-8 becomes lone surrogates.
    ended = tq(*(os.fsdecode(word) for word in words))
    assert (ended.code, ended.stdout) == (code, b""), ended
    first, *rest = ended.stderr.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert hint in "\n".join(rest)
    assert len(ended.stderr) < 1000
    assert "\x1b" not in ended.stderr
    assert count_sent(tq) == 0


def test_an_id_that_never_existed_is_not_pending(tq: Tq) -> None:
    """Exit 3 at once, from every command that takes one."""
    for verb in ("status", "wait", "logs", "result", "cancel", "retry"):
        ended = tq(verb, GROUP, timeout_s=10)
        assert (ended.code, GROUP in ended.stderr) == (3, True), (verb, ended)


def test_an_environment_beyond_what_execve_takes_is_refused(tq: Tq) -> None:
    """2 MiB of environment in many variables: refused before it is sent."""
    flags = [word for number in range(40) for word in ("-e", f"V{number}={'x' * 50_000}")]
    ended = tq("submit", *flags, "--", "true")
    assert (ended.code, "environment is too big" in ended.stderr) == (2, True)


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    """`tq ls | head -1` ends without a word on stderr."""
    tq = Tq(tmp_path)
    assert tq("run", "--", "true").code == 0
    ended = tq.shell("tq ls | head -1")
    assert (ended.stderr, ended.stdout[:2]) == ("", b"ID")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_under_the_store_loses_nothing(tmp_path: Path) -> None:
    """Where the store has no room, submit says that the job was not, or not surely, accepted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], check=False)
    assert mounted.returncode == 0, "a small disk can't be mounted here"
    try:
        tq = Tq(tmp_path, env={"TQ_STATE_DIR": str(disk / "state")})
        assert tq("submit", "--", "echo", "kept").code == 0
        with (disk / "ballast").open("wb") as ballast:
            try:
                while True:
                    ballast.write(b"x" * 65536)
                    ballast.flush()
            except OSError:
                pass
        lines = "\n".join(f"echo {number} {'x' * 4000}" for number in range(4000))
        ended = tq("submit", "--each-line", "-", stdin=lines.encode(), timeout_s=60)
        assert ended.code in {69, 75, 78}, ended
        assert ended.stderr.startswith("error: ")
        (disk / "ballast").unlink()
        assert tq("run", "--", "echo", "again", timeout_s=60).stdout == b"again\n"
        listed = tq("ls", "--limit", "100000", "--json").stdout
        assert b'"kept"' in listed
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
        shutil.rmtree(tmp_path, ignore_errors=True)
