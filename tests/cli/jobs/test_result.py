"""`tq result`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from tests.cli.jobs.conftest import UNSERVED
from tqcli.core.outcome import Failure, Raised, Returned
from tqcli.core.spec import Python
from tqcli.core.state import Reason

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tests.support.tq import Tq

WORK = Python("shapes:area")


def returned(json_text: str) -> Returned:
    """Return the outcome of a function that returned this value."""
    return Returned(msgspec.Raw(json_text.encode()))


def test_value_is_printed_as_json(tq: Tq, served: Stage) -> None:
    """As it came, byte for byte; None is null."""
    for text in ('{"a":[1,2.50,"ü"]}', "null", "0.1000", '"text"'):
        spec = served.submit(queue=UNSERVED, work=WORK)
        served.finish(spec, returned(text))
        assert tq("result", str(spec.id)) == (0, f"{text}\n".encode(), "")
    assert tq("result", "--json", str(spec.id)).text == text


def test_async_function_has_a_result(tq: Tq) -> None:
    """End to end, through a real agent; with stdout left to what the function prints."""
    (tq.home / "slow.py").write_text("import asyncio\nasync def double(n):\n    print('hi')\n    return n * 2\n")
    assert tq("run", "--py", "slow:double", "--arg", "n=21").text == "hi"
    assert tq("result") == (0, b"42\n", "")


def test_job_that_has_not_ended_has_no_result(tq: Tq, served: Stage) -> None:
    """Exit 4, and how to wait for it."""
    spec = served.submit(queue=UNSERVED, work=WORK)
    ended = tq("result", str(spec.id))
    assert (ended.code, ended.stdout) == (4, b"")
    assert f"tq wait {spec.id}" in ended.stderr


def test_job_that_failed_has_none_either(tq: Tq, served: Stage) -> None:
    """It ends as the job did, and says why."""
    spec = served.submit(queue=UNSERVED, work=WORK)
    served.finish(spec, Raised(Failure("ValueError", "too big")), reason=Reason.ERROR)
    ended = tq("result", str(spec.id))
    assert (ended.code, ended.stdout) == (1, b"")
    assert "ValueError: too big" in ended.stderr


def test_command_returns_no_value(tq: Tq, served: Stage) -> None:
    """What it printed is elsewhere."""
    spec = served.submit(queue=UNSERVED)
    ended = tq("result", str(spec.id))
    assert (ended.code, ended.stdout) == (2, b"")
    assert f"tq logs {spec.id}" in ended.stderr


def test_group_has_a_list(tq: Tq, served: Stage) -> None:
    """In the order of the indexes, null where a job failed; with --json, which value is whose."""
    specs = served.submit_group([1, 2, 10], queue=UNSERVED, work=WORK)
    served.finish(specs[2], returned("10"))
    served.finish(specs[0], returned('"one"'))
    assert tq("result", specs[0].group).code == 4
    served.finish(specs[1], Raised(Failure("KeyError", "x")), reason=Reason.ERROR)
    ended = tq("result", specs[0].group)
    assert (ended.code, json.loads(ended.stdout)) == (1, ["one", None, 10])
    assert f"job {specs[1].id} failed: KeyError: x" in ended.stderr
    elements = json.loads(tq("result", "--json", specs[0].group).stdout)
    assert elements[1] == {"id": str(specs[1].id), "index": 2, "state": "failed", "result": None}
    assert [element["result"] for element in elements] == ["one", None, 10]


def test_unknown_job_is_exit_3(tq: Tq) -> None:
    """As everywhere."""
    assert tq("result", "0000000000000000").code == 3
