"""Options and arguments: how words are read, and what the options of a job mean."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.cli.command import build_command
from tqcli.cli.globals import Globals
from tqcli.cli.invocation import Invocation
from tqcli.cli.options import JobFlags, SendFlags  # noqa: TC001 - read for the command's options
from tqcli.cli.output import Output
from tqcli.cli.parameter import Argument, Option
from tqcli.cli.signature import read_signature
from tqcli.core.jobfile import check_jobfile
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tqcli.cli.signature import Parameter
    from tqcli.core.options import JobOptions


def _parse_few(text: str) -> int | None:
    return None if text == "none" else len(text)


def command(
    tq: object,  # noqa: ARG001 - the invocation
    first: Annotated[str, Argument("FIRST", help="one")],
    others: Annotated[list[int] | None, Argument("OTHER", help="numbers")] = None,
    *,
    loud: Annotated[bool, Option("-l", "--loud", help="a flag")] = False,
    near: Annotated[bool, Option("-n", "--near", help="a flag")] = False,
    count: Annotated[int | None, Option("-c", "--count", help="a number")] = None,
    ratio: Annotated[float | None, Option("--ratio", help="a number")] = None,
    after: Annotated[timedelta | None, Option("--after", metavar="D", help="a duration")] = None,
    word: Annotated[list[str] | None, Option("-w", "--word", help="many")] = None,
    level: Annotated[Literal["high", "low"] | None, Option("--level", help="a choice")] = None,
    most: Annotated[int | str, Option("--most", help="read by a function", parse=_parse_few)] = 7,
) -> dict[str, object]:
    """Stand for all commands."""
    values: dict[str, object] = {
        "first": first,
        "others": others,
        "loud": loud,
        "near": near,
        "count": count,
        "ratio": ratio,
    }
    values |= {"after": after, "word": word, "level": level, "most": most}
    return {name: value for name, value in values.items() if value not in (None, False, 7)}


def single(
    tq: object,  # noqa: ARG001 - the invocation
    few: Annotated[int | None, Argument("N|none", help="how many", parse=_parse_few)],
) -> list[object]:
    """Stand for the commands with a value that may be None though it must be given."""
    return [few]


def start(
    tq: object,  # noqa: ARG001 - the invocation
    words: Annotated[list[str] | None, Argument("CMD", help="it", verbatim=True)] = None,
) -> list[str] | None:
    """Stand for the commands that take one."""
    return words


def plan(
    tq: object,  # noqa: ARG001 - the invocation
    name: Annotated[str, Argument("NAME", help="what")],
    words: Annotated[list[str] | None, Argument("CMD", help="it", verbatim=True)] = None,
    *,
    every: Annotated[str | None, Option("--every", help="when")] = None,
) -> tuple[object, ...]:
    """Stand for the commands that take one after an argument of their own."""
    return name, every, words


def bundle(tq: object, flags: JobFlags, sending: SendFlags) -> JobFlags:  # noqa: ARG001 - the invocation
    """Stand for the commands that submit a job."""
    return flags


@pytest.fixture(autouse=True, scope="module", params=["light", "by Typer"])
def reading(request: pytest.FixtureRequest) -> Iterator[None]:
    """Read values with our light readers, and as Typer does where it has no place for them."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "light":
            patch.setattr("tqcli.cli.command.read_lightly", lambda _params: None)
        yield


def call(function: Callable[..., object], *words: str) -> Any:
    """Return what a command returns for these words."""
    built = build_command(function, function.__name__)
    invocation = Invocation(Globals(), Output())
    with built.make_context(f"tq {function.__name__}", list(words), obj=invocation) as ctx:
        return built.invoke(ctx)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["a"], {}),
        (["a", "-l"], {"loud": True}),
        (["-ln", "a"], {"loud": True, "near": True}),
        (["a", "-c3"], {"count": 3}),
        (["a", "-c", "-3"], {"count": -3}),
        (["a", "-lc", "3"], {"loud": True, "count": 3}),
        (["a", "--count=3", "--count", "4"], {"count": 4}),
        (["a", "--ratio", "1.5"], {"ratio": 1.5}),
        (["a", "--after", "1m30s"], {"after": timedelta(seconds=90)}),
        (["a", "-w", "x", "--word=y=z", "-w", ""], {"word": ["x", "y=z", ""]}),
        (["a", "--level", "low"], {"level": "low"}),
        (["a", "1", "-l", "2"], {"others": [1, 2], "loud": True}),
        (["a", "--", "1"], {"others": [1]}),
        (["a", "--most", "xyz"], {"most": 3}),
    ],
)
def test_words_are_read_as_getopt_does(words: list[str], values: dict[str, object]) -> None:
    """Together or apart, before or after the arguments."""
    assert call(command, *words) == {"first": "a", **values}


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ([], "tq command needs FIRST", "`tq command -h` shows an example"),
        (["a", "--cuont", "1"], "tq command has no option '--cuont'", "did you mean --count?"),
        (["a", "-lx"], "tq command has no option '-x' (in '-lx')", "`tq command -h` lists its options"),
        (["a", "-count", "1"], "--count: 'ount' is not a whole number", None),
        (["a", "-loud"], "tq command has no option '-o' (in '-loud')", "did you mean --loud?"),
        (["a", "--count"], "--count needs a value", "write --count COUNT"),
        (["a", "--count", "--", "1"], "--count needs a value", "write --count COUNT"),
        (["a", "--word", "--"], "--word needs a value", "write --word WORD"),
        (["a", "-c"], "-c needs a value", "write -c COUNT"),
        (["a", "-c=3"], "--count: '=3' is not a whole number", None),
        (["a", "--loud=yes"], "--loud takes no value, but 'yes' was given", "write --loud alone"),
        (["a", "--count", "many"], "--count: 'many' is not a whole number", None),
        (["a", "--count", "٣"], "--count: '٣' is not a whole number", None),
        (["a", "--ratio", "x"], "--ratio: 'x' is not a number", None),
        (["a", "b"], "OTHER: 'b' is not a whole number", None),
        (["a", "--level", "hihg"], "--level: 'hihg' is none of the choices", "did you mean 'high'?"),
        (["a", "--after", "5"], "--after: the duration '5' has no unit", "write 5s for seconds, 5m for minutes"),
    ],
)
def test_mistakes_are_named(words: list[str], message: str, hint: str | None) -> None:
    """The option, the value, and what to write."""
    with pytest.raises(InvalidInput) as caught:
        call(command, *words)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_word_too_many_is_named() -> None:
    """A command without a place for it says so."""
    with pytest.raises(InvalidInput, match="tq single has no use for 'b c'"):
        call(single, "a", "b", "c")


def test_given_none_is_not_missing() -> None:
    """`tq queue limit gpu none` says something."""
    assert call(single, "none") == [None]
    assert call(single, "xx") == [2]
    with pytest.raises(InvalidInput, match=r"tq single needs N\|none"):
        call(single)


@given(st.lists(st.text()))
def test_what_follows_the_dashes_is_the_command_verbatim(words: list[str]) -> None:
    """Whatever it is."""
    assert call(start, "--", *words) == (words or None)


@given(st.lists(st.text()))
def test_first_word_ends_the_options(words: list[str]) -> None:
    """`tq run ls -l` runs `ls -l`."""
    assert call(start, "ls", *words) == ["ls", *words]


@given(st.lists(st.text()))
def test_options_may_follow_a_name_up_to_the_dashes(words: list[str]) -> None:
    """`tq schedule add NAME --every 1h -- CMD`."""
    assert call(plan, "nightly", "--every", "1h", "--", *words) == ("nightly", "1h", words or None)


def test_unknown_option_before_a_command_points_to_the_dashes() -> None:
    """It may belong to the command."""
    with pytest.raises(InvalidInput) as caught:
        call(start, "-zz", "ls")
    assert caught.value.hint == "`tq start -h` lists its options; what belongs to your command comes after --"


def parameters() -> list[Parameter]:
    """Return what the options of a job are made of."""
    return [one for one in read_signature(bundle).parameters.values() if one.path[0] in {"flags", "sending"}]


def options(*words: str, command: tuple[str, ...] = ()) -> JobOptions:
    """Return what they are for a job."""
    flags: JobFlags = call(bundle, *words)
    return flags.job_options(command)


def test_options_of_a_job_are_those_that_every_release_keeps() -> None:
    """The names of the command-line reference; those of timers and workflows come with them."""
    names = {name for parameter in parameters() for name in parameter.info.param_decls or ()}
    kept = (
        "-q --queue -n --name --priority --retries --backoff --retry-on --no-retry-on --timeout --grace --expires "
        "--in --at -e --env --cwd --stdin --shell --key --py --arg --args -f --file --max-losses --isolation"
    )
    assert names == set(kept.split())


def test_options_and_job_files_use_the_same_names() -> None:
    """What a user knows of one works in the other; what runs, and the job file itself, are different by nature."""
    different = {"--py", "--arg", "--shell", "--key", "--file"}
    for parameter in parameters():
        *_, name = parameter.info.param_decls or ()
        if name in different:
            continue
        with pytest.raises(InvalidInput) as caught:
            check_jobfile({name.removeprefix("--"): object()}, "job.toml")
        assert "there is no option" not in caught.value.message


def test_options_reach_the_job() -> None:
    """Each under its name."""
    job = options(
        *["-q", "big", "-n", "nightly", "--priority", "low", "--retries", "3", "--backoff", "fixed:10s"],
        *["--retry-on", "75", "--no-retry-on", "2", "--timeout", "5m", "--grace", "3s", "--expires", "1d"],
        *["--cwd", "/tmp", "--stdin", "-", "--max-losses", "1", "--isolation", "fresh", "-e", "A=1", "-e", "B="],  # noqa: S108 - a name
        command=("true",),
    )
    given_options = {name: value for name, value in msgspec.structs.asdict(job).items() if value is not None}
    assert given_options == {
        "command": ("true",),
        "queue": "big",
        "name": "nightly",
        "priority": "low",
        "retries": 3,
        "backoff": "fixed:10s",
        "retry_on": "75",
        "no_retry_on": "2",
        "timeout": timedelta(minutes=5),
        "grace": timedelta(seconds=3),
        "expires": timedelta(days=1),
        "cwd": "/tmp",  # noqa: S108 - a name
        "stdin": "-",
        "max_losses": 1,
        "isolation": "fresh",
        "env": {"A": "1", "B": ""},
    }


def test_shell_takes_one_line_of_several_words() -> None:
    """As ssh does."""
    assert options("--shell", command=("echo", "a", "|", "cat")).shell == "echo a | cat"


def test_python_arguments_are_json_where_they_can_be() -> None:
    """A number is a number, other text is text."""
    job = options("--py", "mail:send", "--arg", "n=3", "--arg", "to=a@b.c", "--arg", "x={1}", "--args", '[1, "a"]')
    assert job.python == "mail:send"
    assert msgspec.json.decode(job.kwargs or b"") == {"n": 3, "to": "a@b.c", "x": "{1}"}
    assert msgspec.json.decode(job.args or b"") == [1, "a"]


def test_variable_without_a_value_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `docker run -e NAME`."""
    monkeypatch.setenv("COLOUR", "blue=green")
    assert options("-e", "COLOUR").env == {"COLOUR": "blue=green"}


@pytest.mark.parametrize(
    ("words", "command_words", "message"),
    [
        (["-e", "NOT_SET_HERE"], ["true"], "--env: 'NOT_SET_HERE' is not set here"),
        (["-e", "=x"], ["true"], "--env: '=x' is not KEY=VALUE"),
        (["--py", "nonsense"], [], "--py: 'nonsense' does not name a Python function"),
        (["--py", "a:b"], ["true"], "--py names what to run, and so does 'true'"),
        (["--py", "a:b", "--arg", "n"], [], "--arg: 'n' is not KEY=VALUE"),
        (["--py", "a:b", "--arg", "a-b=1"], [], "--arg: 'a-b' can't name an argument"),
        (["--py", "a:b", "--args", "{}"], [], "--args: '{}' is not a JSON array"),
        (["--shell"], [], "--shell needs a line to run"),
    ],
)
def test_wrong_option_of_a_job_is_named(words: list[str], command_words: list[str], message: str) -> None:
    """The option and its value."""
    with pytest.raises(InvalidInput) as caught:
        options(*words, command=tuple(command_words))
    assert caught.value.message.startswith(message)


def test_options_win_over_the_job_file(tmp_path: Path) -> None:
    """The file says the rest."""
    path = tmp_path / "job.toml"
    path.write_text('command = ["make"]\nretries = 5\nqueue = "big"\n')
    job = options("-f", str(path), "--retries", "1")
    assert (job.command, job.retries, job.queue) == (("make",), 1, "big")
    assert options("-f", str(path), command=("ls",)).command == ("ls",)
