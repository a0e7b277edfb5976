"""`tq logs`."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.cli.jobs.conftest import UNSERVED
from tests.support.printing import print_frames, print_text
from tqcli.core.outcome import Exited
from tqcli.jetstream.logs import CUT, STDERR, STDOUT, Frame

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tests.support.tq import Tq
    from tqcli.core.spec import Spec

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
AT_US = int(AT.timestamp() * 1_000_000)
EVERY_BYTE = bytes(range(256))


@pytest.fixture
def spec(served: Stage) -> Spec:
    """Return a job that is whatever the test makes of it."""
    return served.submit(queue=UNSERVED, retries=3)


def test_streams_come_apart_and_byte_for_byte(tq: Tq, served: Stage, spec: Spec) -> None:
    """Into a pipe, as they were printed."""
    print_frames(
        served, spec, 0, Frame(STDOUT, 1, EVERY_BYTE), Frame(STDERR, 2, b"\x1b[31mred"), Frame(STDOUT, 3, b"z")
    )
    served.finish(spec)
    ended = tq("logs", str(spec.id))
    assert (ended.code, ended.stdout, ended.stderr) == (0, EVERY_BYTE + b"z", "\x1b[31mred")
    assert tq("logs", "--stdout", str(spec.id))[1:] == (EVERY_BYTE + b"z", "")
    assert tq("logs", "--stderr", str(spec.id))[1:] == (b"", "\x1b[31mred")


def test_control_characters_don_t_reach_a_terminal(tq: Tq, served: Stage, spec: Spec) -> None:
    """They are shown, not obeyed: also where one is cut in two, and those of eight bits."""
    frames = [b"a\x1b]0;title\x07b\r\n", "ü\x9b2J".encode()[:1], "ü\x9b2J".encode()[1:], b"\xff\t\x7f\x00\n"]
    print_frames(served, spec, 0, *(Frame(STDOUT, 1, data) for data in frames), Frame(STDERR, 1, b"\x1bc\n"))
    served.finish(spec)
    with tq.on_terminal("logs", str(spec.id)) as terminal:
        assert terminal.wait() == 0
    assert "a\\x1b]0;title\\x07b" in terminal.screen
    assert "ü\\x9b2J\\xff" in terminal.screen
    assert "\\x7f\\x00" in terminal.screen
    assert "\\x1bc" in terminal.screen
    assert "\x1b" not in terminal.screen


def test_cut_is_marked_on_stderr(tq: Tq, served: Stage, spec: Spec) -> None:
    """Where output was left out, and how much; stdout is left to the job."""
    print_frames(served, spec, 0, Frame(STDOUT, 1, b"head\n"), Frame(CUT, 2, b"1234567"), Frame(STDOUT, 3, b"tail\n"))
    print_text(served, spec, 5, "end\n")
    served.finish(spec)
    ended = tq("logs", str(spec.id))
    assert ended.stdout == b"head\ntail\nend\n"
    assert ended.stderr == "[… 1,234,567 bytes not kept …]\n[… output not kept …]\n"


def test_tail_since_and_attempt_choose(tq: Tq, served: Stage, spec: Spec) -> None:
    """Each by itself, and together."""
    served.start(spec)
    print_frames(served, spec, 0, Frame(STDOUT, 1, b"old\n"), Frame(STDOUT, time.time_ns() // 1000, b"1\n2\n3"))
    served.wait_for_retry(spec, Exited(1))
    served.start(spec)
    print_text(served, spec, 0, "second\n", attempt=2)
    served.finish(spec)
    job_id = str(spec.id)
    assert tq("logs", job_id).text == "second"
    assert tq("logs", "--attempt", "1", job_id).text == "old\n1\n2\n3"
    assert tq("logs", "--attempt", "all", job_id).text == "old\n1\n2\n3second"
    assert tq("logs", "--attempt", "1", "--tail", "2", job_id).text == "2\n3"
    assert tq("logs", "--attempt", "1", "--since", "1h", job_id).text == "1\n2\n3"
    assert tq("logs", "--attempt", "all", "--since", "1h", "--tail", "1", job_id).text == "3"
    assert tq("logs", "--tail", "0", job_id).stdout == b""


def test_lines_can_be_labelled(tq: Tq, served: Stage) -> None:
    """With their time and their job, also where a line came in pieces; a last line gets its end."""
    first, second = served.submit_group([7, 8], queue=UNSERVED)
    frames = [Frame(STDOUT, AT_US, b"on"), Frame(STDERR, AT_US, b"err\n"), Frame(STDOUT, AT_US + 10**6, b"e\ntwo\nthr")]
    print_frames(served, first, 0, *frames)
    print_text(served, second, 0, "other")
    ended = tq("logs", "--prefix", "--timestamps", first.group)
    assert ended.text.splitlines() == [
        "7: 2026-01-02T03:04:05.678Z one",
        "7: 2026-01-02T03:04:06.678Z two",
        "7: 2026-01-02T03:04:06.678Z thr",
        "8: 1970-01-01T00:00:00.000Z other",
    ]
    assert ended.stderr == "7: 2026-01-02T03:04:05.678Z err\n"
    assert tq("logs", "--prefix", str(second.id)).text == "8: other"


def test_attempts_are_told_apart(tq: Tq, served: Stage, spec: Spec) -> None:
    """An unfinished last line comes before the next attempt's first; labels name the attempt, where all are shown."""
    for attempt in (1, 2):
        served.start(spec)
        frames = Frame(STDOUT, AT_US + attempt, b"line\nend"), Frame(STDERR, AT_US + attempt, b"err")
        print_frames(served, spec, 0, *frames, attempt=attempt)
        if attempt == 1:
            served.wait_for_retry(spec, Exited(1))
    served.finish(spec)
    job_id = str(spec.id)
    ended = tq("logs", "--prefix", "--attempt", "all", job_id)
    assert ended.text.splitlines() == [f"{job_id}#{words}" for words in ("1: line", "1: end", "2: line", "2: end")]
    assert ended.stderr.splitlines() == [f"{job_id}#1: err", f"{job_id}#2: err"]
    assert tq("logs", "--prefix", "--stdout", job_id).text.splitlines() == [f"{job_id}: line", f"{job_id}: end"]
    lines = [json.loads(line) for line in tq("logs", "--json", "--attempt", "all", job_id).text.splitlines()]
    assert [line["attempt"] for line in lines] == [1, 1, 1, 2, 2, 2]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)


def test_attempt_that_never_was(tq: Tq, served: Stage, spec: Spec) -> None:
    """It is not found: an empty output would say that it printed nothing."""
    served.start(spec)
    served.finish(spec)
    for words in ((), ("-f",)):
        ended = tq("logs", *words, "--attempt", "9", str(spec.id))
        assert (ended.code, ended.stdout) == (3, b"")
        assert f"no attempt 9 of job {spec.id}: it had 1 attempt" in ended.stderr


def test_json_has_a_document_for_each_line(tq: Tq, served: Stage, spec: Spec) -> None:
    """With the bytes where they are no text."""
    print_frames(served, spec, 0, Frame(STDOUT, AT_US, b"a\nb\xff"), Frame(STDERR, AT_US, "ü\n".encode()))
    served.finish(spec)
    lines = [json.loads(line) for line in tq("logs", "--json", str(spec.id)).text.splitlines()]
    common = {"id": str(spec.id), "attempt": 1, "at": "2026-01-02T03:04:05.678000Z"}
    assert lines == [
        common | {"stream": "stdout", "text": "a"},
        common | {"stream": "stderr", "text": "ü"},
        common | {"stream": "stdout", "text": "b\ufffd", "base64": "Yv8="},
    ]


def test_group_is_joined_in_the_order_of_indexes(tq: Tq) -> None:
    """Byte for byte what the commands print one after the other."""
    names = [f"file {number}" for number in range(40)]
    for name in names:
        (tq.home / name).write_text(name * 50)
    ended = tq("submit", "--wait", "--each-line", "-", "--", "sha256sum", "{}", stdin="\n".join(names).encode())
    assert ended.code == 0
    direct = tq.shell(f"sha256sum {' '.join(repr(name) for name in names)}")
    assert tq("logs", ended.text).stdout == direct.stdout


def test_following_shows_a_line_within_200_ms(tq: Tq) -> None:
    """Of its being written; and ends with the job."""
    line = "sleep 1; for n in 1 2 3 4 5 6 7 8 9 10; do date +%s%N; sleep 0.15; done"
    job_id = tq("submit", "--shell", "--", line).text
    with tq.start("logs", "-f", job_id) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, b"")
        delays_ms = [(time.time_ns() - int(written_ns)) / 1e6 for written_ns in lines]
        assert process.wait(20) == 0
    assert len(delays_ms) == 10
    assert sorted(delays_ms)[len(delays_ms) // 2] < 200


def test_following_starts_with_the_tail(tq: Tq, served: Stage, spec: Spec) -> None:
    """Then comes what is new."""
    served.start(spec)
    print_text(served, spec, 0, "1\n2\n3\n")
    with tq.start("logs", "-f", "--tail", "1", str(spec.id)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"3\n"
        print_text(served, spec, 1, "4\n")
        assert process.stdout.readline() == b"4\n"
        served.finish(spec, Exited(1))
        assert process.wait(20) == 0


def test_following_a_group_shows_whole_lines(tq: Tq, served: Stage) -> None:
    """Labelled, as they come, to the end of the last job."""
    specs = served.submit_group([1, 2], queue=UNSERVED)
    print_text(served, specs[0], 0, "a")
    with tq.start("logs", "-f", "--prefix", specs[0].group) as process:
        assert process.stdout is not None
        print_text(served, specs[1], 0, "b\n")
        assert process.stdout.readline() == b"2: b\n"
        print_text(served, specs[0], 1, "a\n")
        assert process.stdout.readline() == b"1: aa\n"
        for spec in specs:
            served.finish(spec)
        assert process.wait(20) == 0


def test_nothing_yet_is_said(tq: Tq, served: Stage, spec: Spec) -> None:
    """So that nobody takes it for an empty output; stdout stays empty."""
    ended = tq("logs", str(spec.id))
    assert ended == (0, b"", f"tq: job {spec.id} is queued, and printed nothing yet\n")
    served.finish(spec)
    assert tq("logs", str(spec.id)) == (0, b"", "")


def test_reader_may_leave(tq: Tq, served: Stage, spec: Spec) -> None:
    """`tq logs | head -1` is no failure to report."""
    for number in range(20):
        print_text(served, spec, number, "line\n" * 20_000)
    served.finish(spec)
    ended = tq.shell(f"tq logs {spec.id} | head -1")
    assert (ended.stdout, ended.stderr) == (b"line\n", "")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--attempt", "0"), 2, "'0' is not an attempt"),
        (("--attempt", "x"), 2, "'x' is not an attempt"),
        (("--tail", "-1"), 2, "--tail: -1 is too small"),
        (("--since", "5"), 2, "has no unit"),
        (("0000000000000000",), 3, "no job 0000000000000000"),
        (("nonsense",), 2, "is not a job id"),
    ],
)
def test_bad_input_is_explained(tq: Tq, words: tuple[str, ...], code: int, message: str) -> None:
    """As everywhere."""
    ended = tq("logs", *words)
    assert (ended.code, ended.stdout) == (code, b"")
    assert message in ended.stderr
