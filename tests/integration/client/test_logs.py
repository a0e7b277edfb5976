"""Reading what jobs printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.printing import join, print_frames, print_text
from tqcli.client.follow import Follower
from tqcli.client.logs import PAGE, PAGE_BYTES, read_group_output, read_output
from tqcli.client.printed import Which
from tqcli.core.outcome import Exited
from tqcli.core.state import Reason
from tqcli.errors import NotFound
from tqcli.jetstream.logs import CUT, STDERR, STDOUT, Frame

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tqcli.client.printed import Attempts
    from tqcli.core.spec import Spec


def read(stage: Stage, spec: Spec, attempts: Attempts = Which.LAST) -> str:
    """Return what a job printed."""
    job = stage.load_job(spec.id)
    return join(stage.collect(read_output(stage.broker, job, attempts)))


def read_group(stage: Stage, spec: Spec, attempts: Attempts = Which.LAST) -> str:
    """Return what the group of a job printed."""
    return join(stage.collect(read_group_output(stage.broker, spec.group, attempts)))


def fail_attempts(stage: Stage, spec: Spec, count: int) -> None:
    """Let a job fail in this many attempts, each of which prints its number."""
    for attempt in range(1, count + 1):
        stage.start(spec)
        print_text(stage, spec, 0, f"{attempt};", attempt=attempt)
        if attempt < count:
            stage.wait_for_retry(spec, Exited(1))
    stage.finish(spec, Exited(1), reason=Reason.EXIT)


def test_frames_come_as_they_were_stored(stage: Stage) -> None:
    """Streams, times and cuts are kept."""
    spec = stage.submit()
    frames = [Frame(STDOUT, 5, b"\xff\0"), Frame(STDERR, 6, b"e"), Frame(CUT, 7, b"12"), Frame(STDOUT, 8, b"z")]
    print_frames(stage, spec, 0, *frames)
    job = stage.load_job(spec.id)
    assert [one.frame for one in stage.collect(read_output(stage.broker, job, Which.LAST))] == frames


def test_long_log_is_read_to_its_end(stage: Stage) -> None:
    """Page by page, and in order although two messages were stored the other way round."""
    spec = stage.submit()
    order = [*range(PAGE), PAGE + 1, PAGE, *range(PAGE + 2, 3 * PAGE)]
    for number in order:
        print_text(stage, spec, number, f"{number} ")
    assert read(stage, spec) == "".join(f"{number} " for number in range(3 * PAGE))


def test_log_of_several_pages_is_whole(stage: Stage) -> None:
    """An answer of the server ends where its bytes are used up; the next one goes on from there."""
    spec = stage.submit()
    chunk = b"x" * 120_000
    count = 2 * PAGE_BYTES // len(chunk)
    for number in range(count):
        print_frames(stage, spec, number, Frame(STDOUT, 5, chunk))
    assert read(stage, spec) == read_group(stage, spec) == chunk.decode() * count


def test_last_attempt_is_what_is_shown(stage: Stage) -> None:
    """Unless another one, or all of them, are asked for."""
    spec = stage.submit(retries=2)
    fail_attempts(stage, spec, 3)
    assert read(stage, spec) == "3;"
    assert read(stage, spec, 2) == "2;"
    assert read(stage, spec, Which.ALL) == "1;2;3;"


def test_attempt_that_never_was_is_not_found(stage: Stage) -> None:
    """An empty output would say that it printed nothing. The one after the last may have just begun, if any may."""
    spec = stage.submit(retries=2)
    assert read(stage, spec, 1) == ""
    with pytest.raises(NotFound, match=r"no attempt 2 .* it had 0 attempts"):
        read(stage, spec, 2)
    fail_attempts(stage, spec, 3)
    with pytest.raises(NotFound, match=r"no attempt 4 .* it had 3 attempts"):
        read(stage, spec, 4)
    with pytest.raises(NotFound, match=r"no attempt 4 "):
        stage.collect(Follower(stage.broker, spec.id, 4).read_stored())


@pytest.mark.parametrize("in_group", [False, True], ids=["one job", "its group"])
def test_attempts_come_one_after_the_other(stage: Stage, *, in_group: bool) -> None:
    """Also where the first was heard of last, as after an agent was cut off, and something of it is missing."""
    (spec,) = stage.submit_group([3], retries=1)
    fail_attempts(stage, spec, 2)
    print_text(stage, spec, 2, "late;")
    assert (read_group if in_group else read)(stage, spec, Which.ALL) == "1;late;2;"


def test_silent_last_attempt_shows_nothing(stage: Stage) -> None:
    """Not the attempt before it."""
    (spec,) = stage.submit_group([4], retries=1)
    stage.start(spec)
    print_text(stage, spec, 0, "first")
    stage.wait_for_retry(spec, Exited(1))
    stage.start(spec)
    stage.finish(spec)
    assert (read(stage, spec), read_group(stage, spec)) == ("", "")


def test_job_without_a_record_may_have_printed(stage: Stage) -> None:
    """Its first attempt has just begun."""
    spec = stage.submit()
    assert read(stage, spec) == ""
    print_text(stage, spec, 0, "hello")
    assert read(stage, spec) == "hello"


@pytest.mark.parametrize("together_bytes", [1 << 20, 20], ids=["in one go", "job by job"])
def test_group_is_read_in_the_order_of_indexes(
    stage: Stage, together_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order in which its jobs ran, and however much they printed."""
    monkeypatch.setattr("tqcli.client.logs.TOGETHER_BYTES", together_bytes)
    specs = stage.submit_group([1, 2, 10], retries=1)
    for spec in (specs[2], specs[0], specs[1]):
        fail_attempts(stage, spec, 2)
        print_text(stage, spec, 1, f"of {spec.index}\n", attempt=2)
    assert read_group(stage, specs[0]) == "2;of 1\n2;of 2\n2;of 10\n"
    assert read_group(stage, specs[0], 1) == "1;1;1;"
    assert read_group(stage, specs[0], Which.ALL) == "1;2;of 1\n1;2;of 2\n1;2;of 10\n"
    assert read(stage, specs[2]) == "2;of 10\n"
