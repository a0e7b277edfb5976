"""A function is submitted, and its submitter learns what became of it."""

from __future__ import annotations

import asyncio
import gc
import importlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.integration.functions.conftest import LONELY
from tests.integration.functions.work import (
    Order,
    add,
    add_later,
    charge,
    connect,
    double,
    end_by_signal,
    fail,
    renumber,
    wait_for_ever,
)
from tests.support.agents import wait_until_final
from tests.support.eventually import eventually
from tqcli import Client, Handle, JobFailed
from tqcli.core.ids import parse_job_id
from tqcli.core.outcome import Returned
from tqcli.core.spec import Python, Stored
from tqcli.core.state import State
from tqcli.errors import (
    Conflict,
    CorruptRecord,
    InvalidInput,
    JobCancelled,
    JobExpired,
    NotEnded,
    NotFound,
    Unavailable,
)

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tests.support.tq import Tq

pytestmark = pytest.mark.usefixtures("client", "agent")
PATIENCE_S = 30


def test_submitted_function_runs_and_its_value_comes_back() -> None:
    """Called, it runs here."""
    handle = add.submit(2, b=3)
    assert handle.result(PATIENCE_S) == add(2, 3) == 5
    assert (handle.state(), handle.wait(), handle.logs()) == (State.SUCCEEDED, True, "2 + 3\n")
    assert handle.result() == 5


def test_everything_can_be_awaited() -> None:
    """On a loop of the caller's own."""

    async def work() -> None:
        handle = await add_later.asubmit(2, 3)
        assert await handle == await handle.aresult(PATIENCE_S) == await add_later(2, 3) == 5
        assert (await handle.astate(), await handle.alogs(), await handle.acancel()) == (State.SUCCEEDED, "", False)

    asyncio.run(work())


def test_plain_calls_work_beside_a_running_loop() -> None:
    """As in a notebook, or in a synchronous view below an asynchronous server."""

    async def work() -> int:
        return add.submit(1, 1).result(PATIENCE_S)

    assert asyncio.run(work()) == 2


def test_waiting_holds_up_nobody_else() -> None:
    """Many threads, and many coroutines of one loop, wait at once for jobs of one client."""

    async def work() -> list[int]:
        handles = [await add.asubmit(number) for number in range(4)]
        return await asyncio.gather(*handles)

    with ThreadPoolExecutor(4) as pool:
        sums = pool.map(lambda number: add.submit(number, 10).result(PATIENCE_S), range(4))
        assert asyncio.run(work()) == [1, 2, 3, 4]
        assert list(sums) == [10, 11, 12, 13]


def test_wait_that_is_given_up_ends() -> None:
    """With its coroutine; the job goes on."""

    async def work() -> Handle[None]:
        handle = await wait_for_ever.asubmit()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(handle, 0.2)
        return handle

    handle = asyncio.run(work())
    assert not handle.state().final
    assert handle.cancel()


def test_values_come_back_as_they_went() -> None:
    """A dataclass with a time, keys that are numbers, sets."""
    order = Order(1, datetime(2026, 3, 1, 12, tzinfo=UTC))
    table = {1: {"a", "b"}}
    assert list(renumber.submit(order, table).result(PATIENCE_S)) == [Order(2, order.due), table]


def test_large_values_are_stored_apart_both_ways(stage: Stage, staged_tq: Tq) -> None:
    """What no message could hold comes back as it went; `tq result` finds it, too."""
    text = "ü" * 400_000
    handle = double.submit(text, times=3)
    assert handle.result(PATIENCE_S) == text * 3
    job = stage.load_job(parse_job_id(handle.id))
    assert job.stored_result is not None
    assert (job.result, job.stored_result.size) == (None, 2_400_002)
    assert staged_tq("result", handle.id).text == f'"{text * 3}"'
    again = double.options(key="large").submit(text, times=0)
    assert again.result(PATIENCE_S) == ""
    with pytest.raises(InvalidInput, match="the arguments are 17,000,006 bytes of JSON, of at most 16,777,216"):
        _ = double.submit("x" * 17_000_000)


def test_arguments_that_are_forgotten_are_named(stage: Stage) -> None:
    """Nothing is called with others."""
    work = Python("tests.integration.functions.work:double", stored=Stored("0" * 64, 5))
    spec = stage.submit(work=work)
    record = wait_until_final(stage, spec)
    assert record.error is not None
    assert record.error.message == "its arguments are not there: object 000000000000… is not stored"


def test_exception_comes_back_as_text() -> None:
    """With the job's own frames, and without tq's."""
    handle = fail.submit("no such month")
    with pytest.raises(JobFailed) as caught:
        handle.result(PATIENCE_S)
    error = caught.value
    assert str(error) == f"job {handle.id} failed: LookupError: no such month"
    assert (error.type, error.message, error.state, error.reason) == ("LookupError", "no such month", "failed", "error")
    assert error.job == handle.id
    assert error.traceback is not None
    assert error.traceback.count("  File") == 1
    assert error.traceback in error.__notes__[0]


def test_job_that_failed_in_another_way_says_so() -> None:
    """There is no exception to tell of."""
    with pytest.raises(JobFailed, match=r"failed: ended by SIGKILL \(9\)") as caught:
        end_by_signal.submit().result(PATIENCE_S)
    assert (caught.value.type, caught.value.reason, caught.value.traceback) == (None, "signal", None)


def test_exception_that_is_named_is_retried_and_no_other() -> None:
    """By the class it is derived from."""
    assert connect.submit(until=2).result(PATIENCE_S) == 2
    for kind in ("reset", "other"):
        with pytest.raises(JobFailed) as caught:
            connect.submit(until=2, kind=kind).result(PATIENCE_S)
        assert caught.value.message == "1"


def test_cancelled_job_has_no_result(stage: Stage) -> None:
    """Whether it was running; a second cancel finds it ended."""
    handle = wait_for_ever.submit()
    eventually(lambda: stage.load_job(parse_job_id(handle.id)).state is State.RUNNING, PATIENCE_S)
    assert handle.cancel()
    assert not handle.cancel()
    with pytest.raises(JobCancelled, match=f"job {handle.id} was cancelled"):
        handle.result(PATIENCE_S)


def test_job_that_nobody_takes_says_why_it_has_not_ended() -> None:
    """After the timeout; it goes on waiting."""
    handle = add.options(queue=LONELY).submit(1)
    with pytest.raises(NotEnded, match=r"is still queued after 200ms") as caught:
        handle.result(timedelta(milliseconds=200))
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.hint == "no agent serves the queue lonely: `tq agent -q lonely` starts one"
    assert not handle.wait(0)
    assert handle.cancel()


def test_job_that_is_too_late_has_no_result() -> None:
    """It is found out by whoever waits for it."""
    with pytest.raises(JobExpired):
        add.options(queue=LONELY, expires=timedelta(milliseconds=50)).submit(1).result(PATIENCE_S)


def test_jobs_of_one_key_are_one_job() -> None:
    """The key may be made of the arguments."""
    first, second, other = charge.submit(1), charge.submit(1), charge.submit(2)
    assert (first.existed, second.existed, other.existed) == (False, True, False)
    assert first.id == second.id != other.id
    assert second.result(PATIENCE_S) == f"1: {first.id}"
    with pytest.raises(Conflict, match=r"which runs 'tests\.integration\.functions\.work:charge'"):
        _ = add.options(key="charge-1").submit(1)


def test_handle_can_be_had_by_id(client: Client, stage: Stage) -> None:
    """Also of a job that somebody else submitted; a group is none."""
    handle = add.submit(4)
    assert client.handle(handle.id).result(PATIENCE_S) == 5
    with pytest.raises(NotFound):
        client.handle("1xkbbg00a7c3k9mf").state()
    (first, _) = stage.submit_group([1, 2], queue=LONELY)
    with pytest.raises(InvalidInput, match="is a group of jobs"):
        client.handle(first.group).state()
    assert client.handle(str(first.id)).state() is State.QUEUED


def test_celerys_words_are_understood(stage: Stage) -> None:
    """As far as the job's spec shows."""
    assert add.delay(1, b=1).result(PATIENCE_S) == 2
    assert add.s(1).submit().result(PATIENCE_S) == 2
    due = datetime.now(UTC) + timedelta(days=1)
    handles = [
        add.apply_async((1,), {"b": 2}, queue=LONELY, priority="low", countdown=60, expires=120),
        add.apply_async([1], eta=due, queue=LONELY),
    ]
    soon, later = (stage.load_job(parse_job_id(handle.id)) for handle in handles)
    assert (soon.queue, soon.priority) == (LONELY, "low")
    assert soon.not_before == soon.submitted_at + timedelta(seconds=60)
    assert soon.expires_at == soon.submitted_at + timedelta(seconds=120)
    assert later.not_before == due
    for handle in handles:
        assert handle.cancel()


def test_function_runs_where_its_module_is_imported_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Wherever its submitter is; in another directory there is no such module, and the job says so."""
    for name in ("shop", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "shop" / "till.py").write_text(
        "import os\nfrom tqcli import job\n@job\ndef where():\n    return os.getcwd()\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "shop")
    where = importlib.import_module("till").where
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert where.submit().result(PATIENCE_S) == str(tmp_path / "shop")
    with pytest.raises(JobFailed, match="no module 'till' in") as caught:
        where.options(cwd=str(tmp_path)).submit().result(PATIENCE_S)
    assert caught.value.type == "ModuleNotFoundError"


def test_call_that_does_not_fit_is_refused_before_anything_is_sent() -> None:
    """By the function's own parameters, by JSON, by the broker's queues."""
    with pytest.raises(TypeError, match="too many positional arguments"):
        _ = add.submit(1, 2, 3)  # type: ignore[call-arg]
    with pytest.raises(InvalidInput, match=r"args\[0\].due is of type PosixPath"):
        _ = renumber.submit(Order(1, Path("/")), {})  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"b\['x'\]\[1\] is of type object"):
        _ = add.submit(1, b={"x": [0, object()]})  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        _ = add.options(queue="no-such").submit(1)


def test_result_of_an_unknown_class_is_shown_as_stored(client: Client, stage: Stage) -> None:
    """The job may have been one of another program."""
    value = '{"$tq": "dataclass", "type": "no_such:Thing", "value": {}}'
    spec = stage.submit(queue=LONELY)
    stage.start(spec)
    stage.finish(spec, Returned(msgspec.Raw(value.encode())))
    with pytest.raises(CorruptRecord, match="value can't be read as dataclass no_such:Thing: ModuleNotFoundError"):
        client.handle(str(spec.id)).result(PATIENCE_S)


def test_closed_client_ends_the_waiting_and_can_be_used_again(client: Client) -> None:
    """Whoever waits is told."""
    handle = wait_for_ever.submit()
    told: list[BaseException] = []

    def wait() -> None:
        try:
            handle.result()
        except Unavailable as error:
            told.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert not handle.wait(0.1)
    client.close()
    thread.join(PATIENCE_S)
    assert ["closed" in str(error) for error in told] == [True]
    assert "tq" not in {thread.name for thread in threading.enumerate()}
    assert handle.cancel()


def test_client_that_nobody_has_any_more_leaves() -> None:
    """A handle counts as having it."""
    before = set(threading.enumerate())
    handle = Client(context="stage").submit(add, 1)
    gc.collect()
    assert handle.result(PATIENCE_S) == 2
    (thread,) = set(threading.enumerate()) - before
    del handle
    gc.collect()
    eventually(lambda: not thread.is_alive(), PATIENCE_S)


def test_server_that_is_not_there_is_named() -> None:
    """At the first use, without a long wait."""
    with (
        Client("nats://127.0.0.1:9") as client,
        pytest.raises(Unavailable, match=r"can't reach nats://127\.0\.0\.1:9: connection refused"),
    ):
        _ = client.submit(add, 1)
