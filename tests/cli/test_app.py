"""The command line as a whole: what is there without any job, and how it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from typing import TYPE_CHECKING, Annotated, NoReturn

import pytest

from tqcli.cli.app import run
from tqcli.cli.completion.model import read_commands
from tqcli.cli.parameter import Argument, Option
from tqcli.cli.root import build_root
from tqcli.cli.verbs import VERBS
from tqcli.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.tq import Tq
    from tqcli.cli.invocation import Invocation


def put_command(monkeypatch: pytest.MonkeyPatch, verb: str, function: Callable[..., object]) -> None:
    """Let `tq <verb>` be `function`, for one test."""
    module = types.ModuleType(f"tqcli.cli.commands.{verb}")
    setattr(module, verb, function)
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_nothing_said_shows_what_to_try(tq: Tq) -> None:
    """A newcomer's first command succeeds, names the next, and starts nothing."""
    ended = tq()
    assert ended.code == 0
    assert "tq run -- echo hello" in ended.text
    assert ended.stderr == ""
    assert not tq.state.exists()


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_every_command(tq: Tq, option: str) -> None:
    """Each with a line of its own."""
    ended = tq(option)
    assert ended.code == 0
    lines = ended.text.splitlines()
    for verb in VERBS.values():
        assert any(line.startswith(f"  {verb.name} ") and line.endswith(verb.help) for line in lines), verb.name


@pytest.mark.parametrize(("words", "usage"), [((), "tq [OPTIONS]"), (("queue",), "tq queue"), (("run",), "tq run")])
def test_help_is_a_command_too(tq: Tq, words: tuple[str, ...], usage: str) -> None:
    """As with git."""
    assert tq("help", *words).text.startswith(f"usage: {usage}")


def test_help_before_a_command_is_that_commands(tq: Tq) -> None:
    """`tq -h ls` is `tq ls -h`."""
    assert tq("-h", "ls").stdout == tq("ls", "-h").stdout


def test_plain_options_come_first_in_the_help(tq: Tq) -> None:
    """Then those of each panel, the global ones last."""
    text = tq("context", "add", "-h").text
    heads = [line for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert heads == ["Arguments:", "Options:", "Login:", "TLS:", "Global options:", "Examples:"]


def test_mistaken_word_of_help_is_named(tq: Tq) -> None:
    """As where the command itself is called."""
    ended = tq("help", "queue", "pasue")
    assert (ended.code, ended.stderr) == (
        2,
        "error: tq queue has no command 'pasue'\nhint: did you mean `tq queue pause`?\n",
    )


@pytest.mark.parametrize("words", [command.words for command in read_commands(build_root())])
def test_each_command_explains_itself(words: str, capfd: pytest.CaptureFixture[str]) -> None:
    """`-h` works everywhere, shows an example, and fits a terminal."""
    assert run([*words.split(), "-h"]) == 0
    text = capfd.readouterr().out
    assert text.startswith("usage: tq")
    assert "Examples:" in text
    assert max(map(len, text.splitlines())) <= 80
    assert f"tq {words}" in text


def test_version_is_said(tq: Tq) -> None:
    """As the package has it."""
    assert tq("--version").text.startswith("tq 0.")


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["statsu"], "tq has no command 'statsu'", "did you mean `tq status`?"),
        (["queue", "pasue"], "tq queue has no command 'pasue'", "did you mean `tq queue pause`?"),
        (["--jsno", "ls"], "tq has no option '--jsno'", "did you mean --json?"),
        (["zzzzzz"], "tq has no command 'zzzzzz'", "`tq -h` lists the commands; to run a program: tq run -- zzzzzz"),
        (["--", "echo"], "tq has no command 'echo'", "`tq -h` lists the commands; to run a program: tq run -- echo"),
        (["\x1b[31m"], "tq has no command '\\x1b[31m'", "`tq -h` lists the commands"),
        (["--context"], "--context needs a value", "write --context NAME"),
        (["--json"], "there is no command after --json", "`tq -h` lists the commands"),
    ],
)
def test_mistake_names_the_near_word(tq: Tq, words: list[str], error: str, hint: str) -> None:
    """What was typed, and what was probably meant; exit code 2."""
    ended = tq(*words)
    shown = ended.stderr if "--json" not in words else _read_json_error(ended.stderr)
    assert (ended.code, ended.stdout, shown) == (2, b"", f"error: {error}\nhint: {hint}\n")


def _read_json_error(text: str) -> str:
    document = json.loads(text)
    return f"error: {document['error']}\nhint: {document['hint']}\n"


def test_group_alone_names_its_commands(tq: Tq) -> None:
    """`tq queue` is half a command."""
    ended = tq("queue")
    assert ended.code == 2
    assert "ls, add, rm, pause" in ended.stderr


@pytest.mark.parametrize("words", [["--json", "statsu"], ["statsu", "--json"]])
def test_json_errors_are_documents(tq: Tq, words: list[str]) -> None:
    """On stderr, with the exit code in them; before or after the command."""
    ended = tq(*words)
    assert json.loads(ended.stderr) == {
        "error": "tq has no command 'statsu'",
        "hint": "did you mean `tq status`?",
        "exit_code": 2,
    }


@pytest.mark.parametrize(("value", "is_json"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_variable_asks_for_json(tq: Tq, value: str, *, is_json: bool) -> None:
    """TQ_JSON=1 is --json."""
    assert tq("statsu", env={"TQ_JSON": value}).stderr.startswith("{" if is_json else "error: ")


def test_json_of_the_users_command_is_not_ours(tq: Tq) -> None:
    """What follows `--` says nothing about how we report."""
    assert tq("statsu", "--", "--json").stderr.startswith("error: ")


def test_variable_reaches_the_command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """As --json does."""

    def status(tq: Invocation) -> None:
        tq.output.document([tq.globals.json, tq.output.json])

    put_command(monkeypatch, "status", status)
    monkeypatch.setenv("TQ_JSON", "1")
    assert run(["status"]) == 0
    assert json.loads(capfd.readouterr().out) == [True, True]


def test_globals_are_taken_on_both_sides(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Before the command and after it; the later wins."""

    def status(tq: Invocation) -> None:
        tq.output.document([tq.globals.context, tq.globals.json, tq.output.json])

    put_command(monkeypatch, "status", status)
    assert run(["--context", "a", "status", "--json", "--context=b"]) == 0
    assert json.loads(capfd.readouterr().out) == ["b", True, True]


def test_commands_own_option_wins_over_a_global_one(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`tq context add --server URL` names a server, rather than the broker to ask."""

    def status(
        tq: Invocation,
        server: Annotated[list[str] | None, Option("--server", help="servers, one after another")] = None,
    ) -> None:
        tq.output.document([tq.globals.server, server])

    put_command(monkeypatch, "status", status)
    assert run(["--server", "a", "status", "--server", "b", "--server", "c"]) == 0
    assert json.loads(capfd.readouterr().out) == ["a", ["b", "c"]]
    assert run(["status", "-h"]) == 0
    assert capfd.readouterr().out.count("--server") == 1


def test_options_of_the_users_command_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`tq run ls --json` runs `ls --json`, and so does an -h there."""

    def status(
        tq: Invocation, command: Annotated[list[str], Argument("CMD", help="the command", verbatim=True)]
    ) -> None:
        tq.output.line(" ".join([str(tq.output.json), *command]))

    put_command(monkeypatch, "status", status)
    assert run(["status", "ls", "--json", "-h", "--", "x"]) == 0
    assert run(["status", "--", "ls", "--", "--json", "-h"]) == 0
    assert capfd.readouterr().out.splitlines() == ["False ls --json -h -- x", "False ls -- --json -h"]


def test_help_wins_over_what_is_missing(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Who asks for help does not know yet what to give."""

    def status(tq: Invocation, job: Annotated[str, Argument("ID", help="the job")]) -> None:
        tq.output.line(job)

    put_command(monkeypatch, "status", status)
    assert run(["status", "-h"]) == 0
    assert run(["status", "--help", "--nonsense"]) == 0
    assert run(["status"]) == 2
    assert capfd.readouterr().err == "error: tq status needs ID\nhint: `tq status -h` shows an example\n"


def test_commands_return_their_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is 0."""

    def seven(tq: Invocation) -> int:
        tq.output.note("seven")
        return 7

    def nothing(tq: Invocation) -> None:
        tq.output.note("nothing")

    put_command(monkeypatch, "status", seven)
    assert run(["status"]) == 7
    put_command(monkeypatch, "status", nothing)
    assert run(["status"]) == 0


def _fail(error: BaseException) -> Callable[[Invocation], NoReturn]:
    def status(_tq: Invocation) -> NoReturn:
        raise error

    return status


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (Conflict("it has ended", hint="look"), 4, "error: it has ended\nhint: look\n"),
        (Conflict("it has ended"), 4, "error: it has ended\n"),
        (KeyboardInterrupt(), 130, ""),
        (ZeroDivisionError("x"), 70, "error: a bug in tq: ZeroDivisionError: x\nhint: run with --debug"),
        (OSError(28, "No space left on device", "/x"), 70, "error: No space left on device: /x\nhint: run with"),
    ],
)
def test_errors_are_lines_not_tracebacks(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: BaseException, code: int, text: str
) -> None:
    """What happened, what to do, and the exit code of its kind; after Ctrl-C nothing."""
    put_command(monkeypatch, "status", _fail(error))
    assert run(["status"]) == code
    seen = capfd.readouterr().err
    assert seen.startswith(text)
    assert bool(seen) == bool(text)
    assert "Traceback" not in seen


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """And still the line and the exit code."""
    put_command(monkeypatch, "status", _fail(Conflict("it has ended")))
    assert run(["status", "--debug"]) == 4
    seen = capfd.readouterr().err
    assert "Traceback" in seen
    assert seen.endswith("error: it has ended\n")


def _run_with_stdout(tq: Tq, stdout: int, *words: str) -> tuple[int, str]:
    done = subprocess.run(tq.argv(words), stdout=stdout, stderr=subprocess.PIPE, env=tq.env, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", [("-h",), ("ls",), ("ls", "--json")])
def test_reader_that_left_is_no_error(tq: Tq, words: tuple[str, ...]) -> None:
    """`tq ls | head -1` ends as other filters do by SIGPIPE, without a word."""
    assert tq("submit", "--", "true").code == 0
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert _run_with_stdout(tq, writing, *words) == (141, "")
    finally:
        os.close(writing)
    assert len(tq("ls", "--json").stdout.splitlines()) == 1


def test_full_disk_under_stdout_is_an_error(tq: Tq) -> None:
    """What was not written is not taken for written."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        ended = _run_with_stdout(tq, full.fileno(), "-h")
    assert ended == (70, "error: stdout can't be written: No space left on device\n")


def test_closed_stdout_is_refused_before_anything_is_done(tq: Tq) -> None:
    """There would be nowhere to print the id."""
    ended = tq.shell("tq status >&-")
    assert (ended.code, ended.stderr.splitlines()[0]) == (2, "error: stdout is closed; nothing was done")
    assert not tq.state.exists()


def test_closed_stderr_is_no_obstacle(tq: Tq) -> None:
    """Nobody can be told, so nobody is."""
    ended = tq.shell("tq statsu 2>&-")
    assert (ended.code, ended.stdout) == (2, b"")


def test_help_has_no_colour_in_a_pipe_or_where_it_is_unwanted(tq: Tq) -> None:
    """Bold heads on a terminal only."""
    assert b"\x1b" not in tq("-h").stdout
    for env, has_colour in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        with tq.on_terminal("-h", env=env) as terminal:
            assert terminal.wait() == 0
        assert ("\x1b[1m" in terminal.screen) == has_colour, env


def test_commands_are_imported_only_when_they_run(tq: Tq) -> None:
    """`tq -h` knows them all without."""
    code = "import sys; from tqcli.cli.app import run; run(['-h']); print([m for m in sys.modules if 'commands.' in m])"
    done = subprocess.run([sys.executable, "-c", code], env=tq.env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_values_are_read_without_pydantic(tq: Tq) -> None:
    """Typer would import it for the first value, which takes longer than the rest of a submit (see `light`)."""
    line = ["submit", "-q", "no.queue", "--retries", "1", "-e", "A=1", "--priority", "low", "--", "true"]
    code = f"import sys; from tqcli.cli.app import run; print(run({line}), 'pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=tq.env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"], done.stderr


def test_help_is_written_without_rich(tq: Tq) -> None:
    """And without pydantic, like everything that is plain."""
    code = "import sys; from tqcli.cli.app import run; run(['run', '-h']); print({'rich', 'pydantic'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], env=tq.env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
