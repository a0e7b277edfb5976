"""A Python job runs its function, and what became of it is told."""

from __future__ import annotations

import asyncio
import json
import textwrap
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from tests.integration.process.drive import PATH, run_once, wait_for
from tests.support.eventually import eventually_async
from tqcli.core.outcome import Exited, Failure, Raised, Returned, Signalled
from tqcli.core.spec import Python
from tqcli.process.pool import RunnerPool
from tqcli.process.python import parse_result, python_command

if TYPE_CHECKING:
    from pathlib import Path

    from tqcli.process.command import Command

WORK = """
import asyncio
import dataclasses
import datetime
import decimal
import os
import sys


def give(*args, **kwargs):
    return {"args": args, "kwargs": kwargs}


async def give_later(value):
    await asyncio.sleep(0.01)
    return value


class Shop:
    @staticmethod
    def open():
        return "open"


def echo_stdin():
    print("printed")
    print("warned", file=sys.stderr)
    return sys.stdin.read()


def raise_deep():
    def inner():
        raise ValueError("no such\\nluck")

    inner()


async def raise_later():
    raise LookupError("later")


def raise_chained():
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise RuntimeError("while dividing") from error


class Odd(Exception):
    def __str__(self):
        raise TypeError


def raise_odd():
    raise Odd


def raise_long():
    raise ValueError("x" * 1_000_000)


def recurse():
    recurse()


def exit_with(code):
    sys.exit(code)


def exit_hard(code):
    os._exit(code)


def kill_self(number):
    os.kill(os.getpid(), number)


def fork_and_return():
    return "child" if os.fork() == 0 else "parent"


def give_named(name):
    circle = []
    circle.append(circle)
    deep = []
    for _ in range(61):
        deep = [deep]
    return {
        "object": {"rows": [1, {"tags": sys}]},
        "key": {"a": {sys: 3}},
        "circle": circle,
        "deep": deep,
        "surrogate": ["fine", "\\ud800"],
        "big": "x" * 17_000_000,
    }[name]


@dataclasses.dataclass
class Order:
    number: int
    at: datetime.date


def give_next(order, *, step):
    assert (type(order), type(step)) == (Order, decimal.Decimal), (order, step)
    return dataclasses.replace(order, number=int(order.number + step)), {1: b"x"}


def give_large():
    return "ö" * 4_000_000


def give_environment():
    return {name: value for name, value in os.environ.items() if name.startswith("TQ_")}


def give_path():
    return [sys.path[0], sys.argv, __name__]


def print_and_wait():
    print("a line")
    sys.stdin.read()
    import time

    time.sleep(60)


NUMBER = 7
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with the module `work`, one that can't be imported, and one named as one of Python's own."""
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "broken.py").write_text("import no_such_module_anywhere\n")
    (tmp_path / "wrong.py").write_text("def f(:\n")
    (tmp_path / "json.py").write_text("raise SystemExit(99)\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "inside.py").write_text("def name(): return __name__\n")
    return tmp_path


class Call(NamedTuple):
    """A Python job after its end."""

    outcome: object
    stdout: str
    stderr: str

    @property
    def value(self) -> object:
        """What it returned."""
        assert isinstance(self.outcome, Returned), self.outcome
        return json.loads(bytes(self.outcome.value))

    @property
    def failure(self) -> Failure:
        """What it raised."""
        assert isinstance(self.outcome, Raised), self.outcome
        return self.outcome.failure


def command(place: Path, entrypoint: str, *args: object, stdin: bytes | None = None, **kwargs: object) -> Command:
    """Return the command of a job in `place`."""
    work = Python(entrypoint, raw(args), raw(kwargs))
    return python_command(work, env={"PATH": PATH, "TQ_JOB_ID": "id"}, cwd=str(place), stdin=stdin)


def raw(value: object) -> msgspec.Raw:
    """Return a value as JSON."""
    return msgspec.Raw(msgspec.json.encode(value))


def call(place: Path, entrypoint: str, *args: object, stdin: bytes | None = None, **kwargs: object) -> Call:
    """Run a job in `place`."""
    done = run_once(command(place, entrypoint, *args, stdin=stdin, **kwargs))
    return Call(parse_result(done.ended), done.stdout.decode(), done.stderr.decode())


def test_function_gets_its_arguments_and_its_value_comes_back(place: Path) -> None:
    """As JSON, both ways."""
    args = (1, 2.5, None, True, "日本", [1, [2]], {"a": {"b": "c"}})
    assert call(place, "work:give", *args, name="x", n=None).value == {
        "args": json.loads(json.dumps(args)),
        "kwargs": {"name": "x", "n": None},
    }


def test_values_with_tags_are_what_they_were_on_both_sides(place: Path) -> None:
    """A dataclass of the job's own module, a number, bytes: the arguments as Python's, the value as JSON again."""
    order: dict[str, object] = {
        "$tq": "dataclass",
        "type": "work:Order",
        "value": {"number": 1, "at": {"$tq": "date", "value": "2026-03-01"}},
    }
    done = call(place, "work:give_next", order, step={"$tq": "decimal", "value": "2"})
    assert done.value == [
        json.loads(json.dumps(order).replace("1,", "3,")),
        {"$tq": "dict", "value": [[1, {"$tq": "bytes", "value": "eA=="}]]},
    ]


@pytest.mark.parametrize(
    ("args", "step", "message"),
    [
        (
            [{"$tq": "date", "value": "x"}],
            1,
            "args[0] can't be read as date: ValueError: Invalid isoformat string: 'x'",
        ),
        ([], {"$tq": 5}, "step has the key '$tq', which marks tq's own objects, and is none"),
        (
            [{"$tq": "dataclass", "type": "wrok:Order", "value": {}}],
            1,
            "args[0] can't be read as dataclass wrok:Order: ModuleNotFoundError: no module 'wrok' in '{place}'…",
        ),
    ],
)
def test_argument_that_can_not_be_made_again_is_named(
    place: Path, args: list[object], step: object, message: str
) -> None:
    """The function is not called."""
    failure = call(place, "work:give_next", *args, step=step).failure
    assert failure.type == "ValueError"
    assert failure.message.startswith(f"the arguments can't be read: {message.format(place=place).rstrip('…')}")


def test_exception_tells_the_kinds_that_it_is_of(place: Path) -> None:
    """By them it is decided whether the job is retried."""
    outcome = call(place, "work:raise_odd").outcome
    assert isinstance(outcome, Raised)
    assert outcome.kinds == ("work.Odd", "Exception", "BaseException")


def test_coroutine_function_is_run_to_its_end(place: Path) -> None:
    """With an event loop of its own."""
    assert call(place, "work:give_later", ["value"]).value == ["value"]


@pytest.mark.parametrize(
    ("entrypoint", "value"),
    [("package.inside:name", "package.inside"), ("work:Shop.open", "open"), ("os.path:abspath", "/a")],
)
def test_module_and_function_may_have_dots(place: Path, entrypoint: str, value: str) -> None:
    """From the job's directory or installed."""
    assert call(place, entrypoint, *(["/a/b/.."] if value == "/a" else [])).value == value


def test_streams_are_the_jobs_own(place: Path) -> None:
    """Arguments and value use none of the three."""
    done = call(place, "work:echo_stdin", stdin=b"given")
    assert (done.value, done.stdout, done.stderr) == ("given", "printed\n", "warned\n")


def test_line_is_seen_when_it_is_printed(place: Path) -> None:
    """Python would keep it back: stdout is no terminal."""

    async def check() -> None:
        async with RunnerPool() as pool:
            runner = await pool.acquire()
            take, seen = wait_for(b"a line\n")
            running = asyncio.create_task(runner.run(command(place, "work:print_and_wait"), on_output=take))
            await eventually_async(seen, timeout_s=20)
            running.cancel()
            await asyncio.wait([running])

    asyncio.run(check())


def test_exception_gives_type_message_and_the_jobs_own_frames(place: Path) -> None:
    """None of tq's; the same on stderr."""
    done = call(place, "work:raise_deep")
    assert (done.failure.type, done.failure.message) == ("ValueError", "no such\nluck")
    assert done.failure.traceback == done.stderr
    frames = [line.strip() for line in done.stderr.splitlines() if line.startswith("  File")]
    assert [frame.rsplit(" ", 1)[1] for frame in frames] == ["raise_deep", "inner"]


def test_exception_of_a_coroutine_has_no_frames_of_asyncio(place: Path) -> None:
    """They say nothing about the job."""
    done = call(place, "work:raise_later")
    assert (done.failure.type, done.failure.message) == ("LookupError", "later")
    assert done.stderr.count("  File") == 1


def test_cause_of_an_exception_is_told(place: Path) -> None:
    """As Python itself shows it."""
    done = call(place, "work:raise_chained")
    assert done.failure.type == "RuntimeError"
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "direct cause" in done.stderr


def test_exception_of_the_jobs_own_class_has_its_modules_name(place: Path) -> None:
    """And a message that can't be made does no harm."""
    failure = call(place, "work:raise_odd").failure
    assert (failure.type, failure.message) == ("work.Odd", "(its message can't be shown)")


@pytest.mark.parametrize("entrypoint", ["work:raise_long", "work:recurse"])
def test_long_failure_is_cut(place: Path, entrypoint: str) -> None:
    """A record has to hold it."""
    failure = call(place, entrypoint).failure
    assert len(failure.message) <= 4 * 1024
    assert failure.traceback is not None
    assert len(failure.traceback) <= 16 * 1024


def test_wrong_arguments_are_the_functions_own_error(place: Path) -> None:
    """Python's words, without a traceback: no frame of the job was reached."""
    done = call(place, "work:exit_with", 1, 2)
    assert done.failure.type == "TypeError"
    assert done.stderr == "TypeError: exit_with() takes 1 positional argument but 2 were given\n"


@pytest.mark.parametrize(
    ("entrypoint", "kind", "message"),
    [
        (
            "wrok:give",
            "ModuleNotFoundError",
            "no module 'wrok' in '{place}', nor is it installed; did you mean 'work'?",
        ),
        ("qqqqqq:give", "ModuleNotFoundError", "no module 'qqqqqq' in '{place}', nor is it installed"),
        ("package.insde:f", "ModuleNotFoundError", "no module 'insde' in package 'package'; did you mean 'inside'?"),
        ("work.more:f", "ModuleNotFoundError", "no module 'more' in package 'work'"),
        ("broken:f", "ModuleNotFoundError", "No module named 'no_such_module_anywhere'"),
        ("wrong:f", "SyntaxError", "invalid syntax (wrong.py, line 1)"),
        ("work:give_latr", "AttributeError", "work has no 'give_latr'; did you mean 'give_later'?"),
        ("work:Shop.close", "AttributeError", "Shop has no 'close'"),
        ("work:NUMBER", "TypeError", "work:NUMBER is no function but of type int"),
        ("work", "ValueError", "'work' is not of the form module:function"),
        (":f", "ValueError", "':f' is not of the form module:function"),
    ],
)
def test_entrypoint_that_is_not_there_is_named(place: Path, entrypoint: str, kind: str, message: str) -> None:
    """With the near one, if there is one."""
    done = call(place, entrypoint)
    assert (done.failure.type, done.failure.message) == (kind, message.format(place=place))
    assert "entry.py" not in done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("object", "the return value can't be sent: value['rows'][1]['tags'] is of type module"),
        (
            "key",
            "the return value can't be sent: value['a'] has a key that is of type module: <module 'sys' (built-in)>",
        ),
        ("surrogate", "the return value can't be sent: value[1] is text with half a surrogate pair"),
        (
            "deep",
            f"the return value can't be sent: value{'[0]' * 58} is nested deeper than 58 levels, or within itself",
        ),
        ("big", "the return value is 17,000,002 bytes of JSON, of at most 16,777,152: write it to a file"),
    ],
)
def test_value_that_can_not_be_kept_is_named(place: Path, name: str, message: str) -> None:
    """Down to the part that is to blame."""
    done = call(place, "work:give_named", name)
    assert done.failure.message == message
    assert done.stderr.strip().endswith(message)


def test_value_within_itself_is_no_endless_loop(place: Path) -> None:
    """JSON has no way to say it."""
    assert call(place, "work:give_named", "circle").failure.message.endswith("levels, or within itself")


def test_large_value_comes_back_whole(place: Path) -> None:
    """8 MB: far more than a pipe holds."""
    assert call(place, "work:give_large").value == "ö" * 4_000_000


def test_system_exit_is_an_exit_code(place: Path) -> None:
    """Zero and nothing are a success without value; text goes to stderr, as Python has it."""
    assert [call(place, "work:exit_with", code).outcome for code in (3, 255)] == [Exited(3), Exited(255)]
    assert [call(place, "work:exit_with", code).value for code in (0, None)] == [None, None]
    done = call(place, "work:exit_with", "out of luck")
    assert (done.outcome, done.stderr) == (Exited(1), "out of luck\n")


def test_hard_ends_are_told_as_they_are(place: Path) -> None:
    """Without a word from Python."""
    assert call(place, "work:exit_hard", 0).outcome == Exited(0)
    assert call(place, "work:exit_hard", 1).outcome == Exited(1)
    assert call(place, "work:kill_self", 9).outcome == Signalled(9)
    assert call(place, "work:kill_self", 2).outcome == Signalled(2)


def test_forked_copy_that_returns_does_not_speak_for_the_job(place: Path) -> None:
    """The value is that of the process that tq started."""
    assert call(place, "work:fork_and_return").value == "parent"


def test_tqs_own_descriptors_are_out_of_sight(place: Path) -> None:
    """Programs that the function starts see the job's variables, not where its result goes."""
    assert call(place, "work:give_environment").value == {"TQ_JOB_ID": "id"}


def test_directory_comes_first_but_can_not_shadow_what_tq_itself_needs(place: Path) -> None:
    """There is a `json.py` in it that would end the process."""
    assert call(place, "work:give_path").value == [str(place), ["work:give_path"], "work"]


def test_result_that_the_job_garbled_is_a_failure(place: Path) -> None:
    """Whatever it writes to the result's descriptor, the agent stays well."""
    (place / "garble.py").write_text(
        textwrap.dedent("""
            import os
            def garble(text):
                os.write(3, text.encode())
        """)
    )
    for text in ("{", "[" * 100_000, '{"value": 1, "more": 2}', "\x00"):
        assert call(place, "garble:garble", text).failure.type == "BadResult"
    (place / "flood.py").write_text("import os\ndef flood(): os.ftruncate(3, 1 << 40); os.lseek(3, 1 << 40, 0)\n")
    assert call(place, "flood:flood").failure.type == "BadResult"


def test_start_does_not_load_what_few_jobs_need(place: Path) -> None:
    """asyncio, typing and friends cost more than most functions run."""
    (place / "loaded.py").write_text("import sys\ndef names(): return sorted(sys.modules)\n")
    loaded = call(place, "loaded:names").value
    assert isinstance(loaded, list)
    assert not {"asyncio", "typing", "traceback", "pathlib", "msgspec", "socket", "subprocess"} & set(loaded)
