"""A warm worker runs many jobs, and to each of them it is a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.integration.process.crew import Crew, Told, job, with_crew
from tests.integration.process.drive import gone, living, open_fds, wait_for, zombies
from tests.integration.process.test_entry import WORK
from tests.support.eventually import eventually_async
from tqcli.core.outcome import Exited, Raised, Returned, Signalled
from tqcli.process.python import ROOT
from tqcli.process.warm import Limits

if TYPE_CHECKING:
    from pathlib import Path

STATE = """
import asyncio, contextvars, ctypes, os, resource, signal, subprocess, sys, threading, time

seen = []
variable = contextvars.ContextVar("variable", default=None)


def remember(value):
    seen.append(value)
    return [os.getpid(), list(seen)]


def look():
    variables = [os.environ.get("ADDED"), os.environ.get("TQ_JOB_ID"), variable.get()]
    return [os.getcwd(), *variables, sys.stdin.read(), sys.argv]


def spoil():
    variable.set("spoiled")
    os.chdir("/")
    os.environ["ADDED"] = "by another"
    del os.environ["TQ_JOB_ID"]
    sys.stdin = None
    sys.argv.append("more")


def speak(word, times=1):
    for _ in range(times):
        print(word)
        print("E" + word, file=sys.stderr)
    os.write(1, b"raw" + word.encode())
    subprocess.run(["sh", "-c", f"echo sub{word}; echo Esub{word} >&2; echo more > /dev/stdout"])
    sys.stdout.write("unflushed" + word)


def crash(how):
    print("crashing")
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "exit":
        os._exit(7)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "interrupt":
        raise KeyboardInterrupt


def leave_daemon(claim):
    subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import time, os; os.setsid(); time.sleep(600)", claim],
    )
    return "left"


def leave_orphan(claim):
    subprocess.run(["sh", "-c", "sh -c 'setsid sleep 600 " + claim + " 2>/dev/null & echo ; exec true' & wait"])


def leave_zombie():
    subprocess.Popen(["true"])
    time.sleep(0.05)


def late_word():
    print("late word", flush=True)


def change(what):
    if what == "umask":
        os.umask(0o27)
    elif what == "handler":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif what == "alarm":
        signal.alarm(1)
    elif what == "thread":
        threading.Timer(0.2, late_word).start()
    elif what == "daemon thread":
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    elif what == "stdout":
        os.close(1)
    elif what == "redirect":
        os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
    elif what == "all descriptors":
        os.closerange(0, 1024)
    elif what == "limit":
        resource.setrlimit(resource.RLIMIT_CPU, (1000, 1000))
    elif what == "nice":
        os.nice(1)
    elif what == "trace":
        sys.settrace(lambda *_: None)
    elif what == "descriptors":
        seen.append([os.dup(1) for _ in range(150)])
    elif what == "stream":
        sys.stdout = open("/dev/null", "w")
    elif what == "memory error":
        raise MemoryError
    return what


async def give_loop():
    asyncio.get_running_loop().create_task(asyncio.sleep(600))
    await asyncio.to_thread(time.sleep, 0)
    return [os.getpid(), id(asyncio.get_running_loop()), len(asyncio.all_tasks())]


def print_much():
    sys.stdout.write("x" * 3_000_000)
    sys.stderr.write("y" * 1_000_000)


def wait():
    print("waiting", flush=True)
    time.sleep(600)


def allocate():
    seen.append(b"x" * 100_000_000)


def length(text):
    return len(text)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with modules."""
    (tmp_path / "state.py").write_text(STATE)
    (tmp_path / "work.py").write_text(WORK)
    return tmp_path


def value(outcome: object) -> object:
    """Return what a job returned."""
    assert isinstance(outcome, Returned), outcome
    return msgspec.json.decode(outcome.value)


def pid_of(outcome: object) -> int:
    """Return the first part of what a job returned."""
    returned = value(outcome)
    assert isinstance(returned, list)
    assert isinstance(returned[0], int)
    return returned[0]


def test_module_is_imported_once(place: Path) -> None:
    """What a module holds, the next job finds."""

    async def check(crew: Crew) -> None:
        first = await crew.run(job(place, "state:remember", 1))
        second = await crew.run(job(place, "state:remember", 2))
        assert value(second.outcome) == [pid_of(first.outcome), [1, 2]]

    with_crew(check)


SAME = [
    ("work:give", (1, 2.5, None, "日本", [1, {"a": "b"}])),
    ("work:give_later", ("x",)),
    ("work:Shop.open", ()),
    ("os.path:abspath", ("/a/b/..",)),
    ("work:echo_stdin", ()),
    ("work:raise_deep", ()),
    ("work:raise_later", ()),
    ("work:raise_chained", ()),
    ("work:raise_odd", ()),
    ("work:raise_long", ()),
    ("work:exit_with", (1, 2)),
    ("work:exit_with", (3,)),
    ("work:exit_with", (0,)),
    ("work:exit_with", (256,)),
    ("work:exit_with", ("out of luck",)),
    ("work:exit_hard", (0,)),
    ("work:exit_hard", (1,)),
    ("work:kill_self", (9,)),
    ("work:kill_self", (2,)),
    ("work:fork_and_return", ()),
    ("work:give_named", ("set",)),
    ("work:give_named", ("big",)),
    ("work:give_large", ()),
    ("work:give_path", ()),
    ("work:NUMBER", ()),
    ("wrok:give", ()),
    ("state:speak", ("x",)),
    ("state:print_much", ()),
    ("state:change", ("thread",)),
    ("state:change", ("stdout",)),
    ("state:change", ("redirect",)),
    ("state:crash", ("segfault",)),
    ("state:crash", ("interrupt",)),
]


def test_every_end_is_told_as_that_of_a_process_of_its_own(place: Path) -> None:
    """Value, failure, exit code and every byte of output."""

    async def check(crew: Crew) -> None:
        for entrypoint, args in SAME:
            warm = await crew.run(job(place, entrypoint, *args, stdin=b"given"))
            fresh = await crew.run_fresh(job(place, entrypoint, *args, stdin=b"given"))
            assert told(warm) == told(fresh), (entrypoint, args)
        assert crew.unbegun == []

    def told(end: Told) -> tuple[object, ...]:
        outcome, stderr = end.outcome, end.stderr
        if outcome == Signalled(signal.SIGINT):
            stderr = stderr.splitlines()[-1]  # above it are tq's own frames
        return (bytes(outcome.value) if isinstance(outcome, Returned) else outcome, end.stdout, stderr)

    with_crew(check)


def test_next_job_finds_its_surroundings_as_they_should_be(place: Path) -> None:
    """Directory, environment, context, arguments and standard input are a job's own."""

    async def check(crew: Crew) -> None:
        mine = [str(place), None, "mine", None, "given", ["state:look"]]
        for _ in range(2):
            assert value((await crew.run(job(place, "state:look", stdin=b"given", name="mine"))).outcome) == mine
            await crew.run(job(place, "state:spoil", stdin=b"more"))
        mine[4] = ""
        assert value((await crew.run(job(place, "state:look", name="mine"))).outcome) == mine
        assert len(set(crew.used)) == 1

    with_crew(check)


def test_every_byte_belongs_to_the_job_that_printed_it(place: Path) -> None:
    """With programs that it started, and what it left unflushed, for 30 jobs in a row."""

    async def check(crew: Crew) -> None:
        for number in range(30):
            word, times = f"w{number}", number % 3 * 5000
            told = await crew.run(job(place, "state:speak", word, times))
            assert told.stdout.decode() == f"{word}\n" * times + f"raw{word}sub{word}\nmore\nunflushed{word}"
            assert told.stderr.decode() == f"E{word}\n" * times + f"Esub{word}\n"
            assert (await crew.run(job(place, "state:remember", 1)))[1:] == (b"", b"")
        assert len(set(crew.used)) == 1

    with_crew(check)


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("segfault", Signalled(signal.SIGSEGV)),
        ("exit", Exited(7)),
        ("kill", Signalled(signal.SIGKILL)),
        ("interrupt", Signalled(signal.SIGINT)),
    ],
)
def test_crash_is_the_end_of_one_job_only(place: Path, how: str, outcome: object) -> None:
    """Those before and after it, and beside it, notice nothing."""

    async def check(crew: Crew) -> None:
        before = await crew.run(job(place, "state:remember", 1))
        beside = asyncio.create_task(crew.run(job(place, "state:wait")))
        await eventually_async(lambda: len(crew.workers.busy) == 1, timeout_s=20)
        crashed = await crew.run(job(place, "state:crash", how))
        assert (crashed.outcome, crashed.stdout) == (outcome, b"crashing\n")
        after = await crew.run(job(place, "state:remember", 2))
        assert value(after.outcome) == [pid_of(after.outcome), [2]]
        assert pid_of(after.outcome) != pid_of(before.outcome)
        assert not beside.done()
        beside.cancel()
        await asyncio.wait([beside])

    with_crew(check)


def test_nothing_of_a_job_is_left_when_its_end_is_told(place: Path) -> None:
    """A daemon, and one whose parent is gone."""

    async def check(crew: Crew) -> None:
        for entrypoint in ("state:leave_daemon", "state:leave_orphan"):
            claim = f"left-{os.getpid()}-{entrypoint[6:]}"
            told = await crew.run(job(place, entrypoint, claim))
            assert living(claim) == []
            assert isinstance(told.outcome, Returned)
        assert len(set(crew.used)) == 2

    with_crew(check)


def test_children_that_have_ended_are_no_reason_for_a_new_worker(place: Path) -> None:
    """They are waited for."""

    async def check(crew: Crew) -> None:
        for _ in range(3):
            await crew.run(job(place, "state:leave_zombie"))
        assert len(set(crew.used)) == 1
        pid = pid_of((await crew.run(job(place, "state:remember", 1))).outcome)
        assert zombies(pid) == []

    with_crew(check)


UNUSUAL = ["umask", "handler", "alarm", "thread", "daemon thread", "redirect", "limit", "nice", "trace", "descriptors"]


def test_whatever_a_job_changes_the_next_one_does_not_meet(place: Path) -> None:
    """The worker ends with it, or after it."""

    async def check(crew: Crew) -> None:
        for what in [*UNUSUAL, "stream"]:
            before = pid_of((await crew.run(job(place, "state:remember", 1))).outcome)
            told = await crew.run(job(place, "state:change", what))
            assert value(told.outcome) == what
            assert told.stdout == (b"late word\n" if what == "thread" else b"")
            assert pid_of((await crew.run(job(place, "state:remember", 2))).outcome) != before, what

    with_crew(check)


def test_job_that_closes_all_descriptors_fails_alone(place: Path) -> None:
    """It can't tell its end: as in a process of its own."""

    async def check(crew: Crew) -> None:
        assert (await crew.run(job(place, "state:change", "all descriptors"))).outcome == Exited(1)
        assert isinstance((await crew.run(job(place, "state:change", "memory error"))).outcome, Raised)
        assert value((await crew.run(job(place, "state:length", "abc"))).outcome) == 3
        assert len(set(crew.used)) == 3

    with_crew(check)


def test_coroutines_share_a_loop_and_leave_nothing_in_it(place: Path) -> None:
    """Neither tasks nor threads."""

    async def check(crew: Crew) -> None:
        ends = [await crew.run(job(place, "state:give_loop")) for _ in range(3)]
        assert value(ends[0].outcome) == value(ends[1].outcome) == value(ends[2].outcome)
        returned = value(ends[0].outcome)
        assert isinstance(returned, list)
        assert returned[2] == 2

    with_crew(check)


def test_stop_ends_job_and_worker(place: Path) -> None:
    """With TERM, and KILL after the grace; the next job gets another worker."""

    async def check(crew: Crew) -> None:
        command = job(place, "state:wait")
        worker = await crew.workers.acquire(command)
        take, seen = wait_for(b"waiting\n")
        running = asyncio.create_task(worker.run(command, on_output=take))
        await eventually_async(seen, timeout_s=20)
        worker.stop(timedelta(seconds=60))
        ended = await running
        assert (ended.how if not hasattr(ended, "again") else None) == Signalled(signal.SIGTERM)
        crew.workers.release(worker, command)
        assert value((await crew.run(job(place, "state:length", "abc"))).outcome) == 3

    with_crew(check)


def test_worker_retires_after_its_jobs_or_with_its_memory(place: Path) -> None:
    """And no job notices."""

    async def count(crew: Crew) -> None:
        pids = [pid_of((await crew.run(job(place, "state:remember", 1))).outcome) for _ in range(7)]
        assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]
        assert crew.unbegun == []

    async def weigh(crew: Crew) -> None:
        first = pid_of((await crew.run(job(place, "state:remember", 1))).outcome)
        await crew.run(job(place, "state:allocate"))
        assert pid_of((await crew.run(job(place, "state:remember", 1))).outcome) != first

    with_crew(count, limits=Limits(jobs=3))
    with_crew(weigh, limits=Limits(memory_bytes=90_000_000))


def test_edited_source_is_loaded_anew(place: Path) -> None:
    """At once, also that of a module which the first one imports, and one in a directory made anew."""

    async def check(crew: Crew) -> None:
        (place / "outer.py").write_text("import inner\ndef give(): return inner.VALUE\n")
        for number in range(3):
            (place / "inner.py").write_text(
                f"VALUE = {number}{number * ' '}\n"
            )  # else Python itself takes it for the same
            for _ in range(2):
                assert value((await crew.run(job(place, "outer:give"))).outcome) == number
        rename(place, place.with_name("moved"))
        (place / "outer.py").write_text("def give(): return 'new'\n")
        assert value((await crew.run(job(place, "outer:give"))).outcome) == "new"

    def rename(place: Path, moved: Path) -> None:
        place.rename(moved)
        place.mkdir()

    with_crew(check)


def test_directory_that_is_gone_is_told(place: Path) -> None:
    """Before the first job, and between two."""

    async def check(crew: Crew) -> None:
        (place / "there").mkdir()
        (place / "there" / "state.py").write_text(STATE)
        assert value((await crew.run(job(place / "there", "state:length", "a"))).outcome) == 1
        (place / "there").rename(place / "elsewhere")
        told = await crew.run(job(place / "there", "state:length", "a"))
        assert "NoDirectory" in str(told.outcome)

    with_crew(check)


def test_idle_worker_makes_room_for_another_directory(place: Path) -> None:
    """The one that was used longest ago, as soon as there are as many as may be."""

    async def check(crew: Crew) -> None:
        places = [place / name for name in ("a", "b", "c")]
        for each in places:
            each.mkdir()
            (each / "state.py").write_text(STATE)
        pids = [pid_of((await crew.run(job(each, "state:remember", 1))).outcome) for each in places]
        await eventually_async(lambda: gone(pids[0]), timeout_s=20)
        assert not gone(pids[1])
        again = [pid_of((await crew.run(job(each, "state:remember", 1))).outcome) for each in reversed(places)]
        assert again[:2] == [pids[2], pids[1]]

    with_crew(check)


def test_worker_that_died_idle_is_replaced(place: Path) -> None:
    """Even where nobody had time to notice."""

    async def check(crew: Crew) -> None:
        for _ in range(3):
            pid = pid_of((await crew.run(job(place, "state:remember", 1))).outcome)
            os.kill(pid, signal.SIGKILL)
        assert pid_of((await crew.run(job(place, "state:remember", 1))).outcome) != pid

    with_crew(check)


def test_large_arguments_arrive(place: Path) -> None:
    """Of any size that a spec can have."""

    async def check(crew: Crew) -> None:
        for size in (8_000, 9_000, 500_000):
            assert value((await crew.run(job(place, "state:length", "x" * size, stdin=b"i"))).outcome) == size

    with_crew(check)


def test_many_jobs_leave_no_descriptor(place: Path) -> None:
    """In agent and worker alike, whatever they do."""

    async def check(crew: Crew) -> None:
        async def all_kinds() -> None:
            for entrypoint, word in (
                ("state:speak", "x"),
                ("state:length", "x" * 10_000),
                ("state:crash", "exit"),
            ):
                await crew.run(job(place, entrypoint, word, stdin=b"i"))

        await all_kinds()
        await all_kinds()
        before = open_fds(os.getpid())
        for _ in range(5):
            await all_kinds()
        assert open_fds(os.getpid()) <= before
        pid = pid_of((await crew.run(job(place, "state:remember", 1))).outcome)
        before = open_fds(pid)
        for _ in range(50):
            await crew.run(job(place, "state:length", "x" * 10_000, stdin=b"i"))
        assert open_fds(pid) == before

    with_crew(check)


def test_cancelled_run_kills_the_worker(place: Path) -> None:
    """An attempt that nobody waits for does not go on."""

    async def check(crew: Crew) -> None:
        pid = pid_of((await crew.run(job(place, "state:remember", 1))).outcome)
        take, seen = wait_for(b"waiting\n")
        running = asyncio.create_task(crew.run(job(place, "state:wait"), take))
        await eventually_async(seen, timeout_s=20)
        running.cancel()
        await asyncio.wait([running])
        await eventually_async(lambda: gone(pid), timeout_s=20)

    with_crew(check)


def test_start_loads_little() -> None:
    """asyncio, typing and friends cost memory in every worker."""
    code = textwrap.dedent("""
        import sys
        import tqcli.process.worker
        print(sorted({"asyncio", "typing", "traceback", "pathlib", "socket", "threading"} & set(sys.modules)))
    """)
    loaded = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, check=True, cwd=ROOT)
    assert loaded.stdout == b"[]\n"
