"""A command runs as a shell would run it, and its end is told truly."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.process.drive import attempt, make_command, make_python, run_all, run_once
from tqcli.core.outcome import Exited, NotStarted, Signalled
from tqcli.process.pool import RunnerPool

if TYPE_CHECKING:
    from pathlib import Path

    from tqcli.process.child import Ended


def not_started(ended: Ended) -> tuple[int, str, str]:
    """Return exit code, kind and message of a command that did not start."""
    assert isinstance(ended.how, NotStarted)
    return ended.how.code, ended.how.failure.type, ended.how.failure.message


def test_exit_codes_are_the_commands_own() -> None:
    """From 0 to 255, in one runner."""
    codes = [0, 1, 2, 75, 123, 126, 127, 128, 255]
    done = run_all(*(make_command("sh", "-c", f"exit {code}") for code in codes))
    assert [it.how for it in done] == [Exited(code) for code in codes]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGUSR1, 40])
def test_signal_that_ended_the_command_is_told(number: int) -> None:
    """Real-time signals too, which have no name."""
    assert run_once(make_command("sh", "-c", f"kill -{int(number)} $$")).how == Signalled(number)


def test_crash_is_told_as_its_signal() -> None:
    """A core dump's bit in the wait status is no part of the number."""
    code = "import ctypes; ctypes.string_at(0)"
    assert run_once(make_python(code)).how == Signalled(signal.SIGSEGV)


def test_missing_program_is_127() -> None:
    """As from a shell; the message names it."""
    code, kind, message = not_started(run_once(make_command("frobnicate")).ended)
    assert (code, kind) == (127, "NotFound")
    assert message == "no program 'frobnicate' in PATH"


@pytest.mark.parametrize("name", ["", "no/such", "/no/such", "x" * 5000, "./a\nb"])
def test_program_that_can_not_exist_is_127(name: str) -> None:
    """Whatever the name looks like; the message stays short and on one line."""
    code, _, message = not_started(run_once(make_command(name)).ended)
    assert code == 127
    assert len(message) < 300
    assert "\n" not in message


def test_file_without_the_right_to_run_is_126(tmp_path: Path) -> None:
    """Found, but not executable."""
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    code, kind, message = not_started(run_once(make_command("./plain", cwd=tmp_path)).ended)
    assert (code, kind) == (126, "NotExecutable")
    assert message == "'./plain': Permission denied"


def test_directory_as_program_is_126() -> None:
    """It has the right bit, and still is none."""
    assert not_started(run_once(make_command("/usr")).ended)[0] == 126


def test_missing_directory_is_126_and_named() -> None:
    """The command is not looked for elsewhere."""
    code, kind, message = not_started(run_once(make_command("true", cwd="/no/such/place")).ended)
    assert (code, kind) == (126, "NoDirectory")
    assert message == "directory '/no/such/place': No such file or directory"


def test_missing_interpreter_is_127_and_told_apart_from_a_missing_file(tmp_path: Path) -> None:
    """The kernel's answer is the same for both."""
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    code, _, message = not_started(run_once(make_command(str(script))).ended)
    assert code == 127
    assert message == f"{str(script)!r} needs an interpreter that does not exist"


def test_script_without_interpreter_line_runs_in_sh(tmp_path: Path) -> None:
    """As execvp(3) does it."""
    script = tmp_path / "script"
    script.write_text('echo "$0:$1"')
    script.chmod(0o755)
    assert run_once(make_command(str(script), "a b")).stdout == f"{script}:a b\n".encode()


def test_binary_of_another_kind_is_126(tmp_path: Path) -> None:
    """A file with NUL bytes is not fed to a shell."""
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF\0\0\0\0garbage")
    program.chmod(0o755)
    code, _, message = not_started(run_once(make_command(str(program))).ended)
    assert code == 126
    assert "Exec format error" in message


def test_too_many_arguments_are_126() -> None:
    """3 MiB of them: more than the kernel takes."""
    code, _, message = not_started(run_once(make_command("true", *["x" * 100_000] * 30)).ended)
    assert code == 126
    assert message.endswith("the arguments and the environment together are too long")


@pytest.mark.parametrize(
    ("argv", "env"), [(("echo", "a\0b"), {}), (("echo",), {"A=B": "c"}), (("echo",), {"": "c"}), ((), {})]
)
def test_words_that_no_program_can_be_given_are_126(argv: tuple[str, ...], env: dict[str, str]) -> None:
    """Refused before they could be misread as other words."""
    code, kind, _ = not_started(run_once(make_command(*argv, env=env)).ended)
    assert (code, kind) == (126, "BadCommand")


def test_runner_goes_on_after_a_command_that_did_not_start() -> None:
    """And leaves nothing of it behind."""
    done = run_all(make_command("frobnicate"), make_command("true", cwd="/no"), make_command("echo", "here"))
    assert [it.stdout for it in done] == [b"", b"", b"here\n"]


def test_program_is_looked_up_along_the_jobs_path(tmp_path: Path) -> None:
    """Not the agent's; a file that may not be run does not end the search, relative places are the directory's."""
    for folder, mode in (("first", 0o644), ("second", 0o755), ("third", 0o755)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tool").write_text(f"#!/bin/sh\necho {folder}")
        (tmp_path / folder / "tool").chmod(mode)
    done = run_once(make_command("tool", cwd=tmp_path, env={"PATH": "/no/such:first:second:third"}))
    assert done.stdout == b"second\n"


def test_no_path_means_the_usual_one() -> None:
    """A job whose environment is empty still finds sh."""
    assert run_once(make_command("sh", "-c", "echo found", env={})).stdout == b"found\n"


def test_environment_is_exactly_the_given_one() -> None:
    """Nothing of the agent's; any text may be in it, but NUL."""
    env = {"PATH": "/usr/bin:/bin", "EMPTY": "", "LINES": "a\nb=c\n", "UMLAUT_Ä": "ö €", "SPACE": " x "}
    done = run_once(make_command("env", "-0", env=env))
    assert dict(it.split("=", 1) for it in done.stdout.decode().rstrip("\0").split("\0")) == env


def test_large_environment_arrives_whole() -> None:
    """More than a packet of the socket holds."""
    env = {"PATH": "/usr/bin:/bin", **{f"V{number}": "x" * 1000 for number in range(800)}}
    done = run_once(make_command("env", "-0", env=env))
    assert len(done.stdout) == sum(len(key) + len(value) + 2 for key, value in env.items())


def test_arguments_arrive_as_given() -> None:
    """Spaces, newlines, quotes, nothing, UTF-8, a lone byte: no shell is between."""
    words = ["", " ", "a b", "two\nlines", "*", "$HOME", "'\"\\", "日本語 é", "\udcff", "-n", "--"]
    done = run_once(make_command(sys.executable, "-c", "import sys; print(ascii(sys.argv[1:]))", *words))
    assert done.stdout.decode().strip() == ascii(words)


def test_command_runs_in_its_directory(tmp_path: Path) -> None:
    """Also where its name has spaces and UTF-8 in it; the runner leaves it afterwards."""
    folder = tmp_path / "with spaces é"
    folder.mkdir()

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            done = await attempt(runner, make_command("pwd", cwd=folder))
            assert done.stdout.decode() == f"{folder}\n"
            assert os.readlink(f"/proc/{runner.pid}/cwd") == "/"  # noqa: PTH115

    asyncio.run(check())


def test_stdin_is_empty_where_none_is_given() -> None:
    """It reads as /dev/null, not as the agent's own."""
    done = run_once(make_command("sh", "-c", "cat; readlink /proc/self/fd/0"))
    assert done.stdout == b"/dev/null\n"


@pytest.mark.parametrize("data", [b"", b"text\n", bytes(range(256)), b"x" * 3_000_000], ids=len)
def test_stdin_bytes_arrive_whole(data: bytes) -> None:
    """Whether the command reads them or not, and larger than a pipe."""
    done = run_all(make_command("cat", stdin=data), make_command("true", stdin=data))
    assert done[0].stdout == data
    assert done[1].how == Exited(0)


def test_stdin_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    """As with `<file`."""
    path = tmp_path / "input"
    path.write_bytes(b"from a file")
    assert run_once(make_command("cat", stdin=path)).stdout == b"from a file"


def test_missing_stdin_file_is_126(tmp_path: Path) -> None:
    """And says which."""
    code, kind, message = not_started(run_once(make_command("cat", stdin=tmp_path / "gone")).ended)
    assert (code, kind) == (126, "NoStdin")
    assert str(tmp_path / "gone") in message


def test_command_has_three_descriptors_and_no_more() -> None:
    """None of the agent's, the zygote's or the runner's; descriptor 3 is the listing itself."""
    done = run_once(make_command("sh", "-c", "exec ls /proc/self/fd"))
    assert done.stdout.split() == [b"0", b"1", b"2", b"3"]


def test_files_of_a_python_job_have_their_numbers() -> None:
    """The variables name them."""
    code = "import os; os.write(int(os.environ['TQ_RESULT_FD']), os.read(int(os.environ['TQ_ARGS_FD']), 99))"
    done = run_once(make_python(code, wants_result=True, args=b"arguments", stdin=b"unread"))
    assert (done.how, done.ended.result) == (Exited(0), b"arguments")


def test_signals_are_at_their_default() -> None:
    """None ignored, none blocked: SIGPIPE ends `yes` as it should."""
    lines = run_once(make_command("cat", "/proc/self/status")).stdout.decode().splitlines()
    masks = {line[:6]: int(line[8:], 16) for line in lines if line[:6] in {"SigBlk", "SigIgn", "SigCgt"}}
    libc_only = 1 << 31 | 1 << 32  # signals 32 and 33 are the C library's own: nobody else may change them
    assert masks["SigBlk"] == masks["SigCgt"] == masks["SigIgn"] & ~libc_only == 0
    assert run_once(make_command("sh", "-c", "yes | head -1")).stdout == b"y\n"


def test_ignored_signals_of_the_agent_are_not_inherited() -> None:
    """An agent under nohup ignores SIGHUP; its jobs don't."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run_once(make_command("sh", "-c", "kill -HUP $$")).how == Signalled(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_command_leads_a_session_of_its_own() -> None:
    """So a terminal's Ctrl-C does not reach it, and its group can be signalled alone."""
    code = "import json, os; print(json.dumps([os.getpid(), os.getsid(0), os.getpgrp()]))"
    pid, session, group = json.loads(run_once(make_python(code)).stdout)
    assert pid == session == group


def test_umask_is_the_users() -> None:
    """Files of a job are as private as the user asked for."""
    before = os.umask(0o027)
    try:
        assert run_once(make_command("sh", "-c", "umask")).stdout == b"0027\n"
    finally:
        os.umask(before)


def test_usage_is_the_commands() -> None:
    """Processor time and peak memory."""
    done = run_once(make_python("b = bytearray(100_000_000)\nfor _ in range(3_000_000): pass"))
    assert done.usage.max_rss_bytes > 100_000_000
    assert done.usage.user_s > 0.01
