"""How an attempt ended and what its result file says make one outcome."""

from __future__ import annotations

import msgspec
import pytest

from tqcli.core.outcome import Exited, Failure, NotStarted, Raised, Returned, Signalled
from tqcli.core.spec import Python
from tqcli.process.child import Ended, How, NoProcess, RunnerLost
from tqcli.process.handover import MAX_RESULT_BYTES
from tqcli.process.python import parse_result, python_command

ERROR = b'{"error":{"type":"KeyError","message":"a","traceback":"t"}}'


def outcome(how: How, result: bytes) -> object:
    """Return the outcome, a returned value as bytes."""
    seen = parse_result(Ended(how, result))
    return bytes(seen.value) if isinstance(seen, Returned) else seen


@pytest.mark.parametrize(
    ("how", "result", "expected"),
    [
        (Exited(0), b'{"value":[1, 2]}', b"[1, 2]"),
        (Exited(0), b'{"value":null}', b"null"),
        (Exited(1), ERROR, Raised(Failure("KeyError", "a", "t"))),
        (Exited(1), ERROR[:-1] + b',"kinds":["KeyError"]}', Raised(Failure("KeyError", "a", "t"), ("KeyError",))),
        (Exited(0), b"", Exited(0)),
        (Exited(5), b"", Exited(5)),
        (Exited(3), b'{"value":1}', Exited(3)),
        (Exited(120), b'{"value":1}', Exited(120)),
        (Exited(0), ERROR, Raised(Failure("KeyError", "a", "t"))),
        (Signalled(6), ERROR, Signalled(6)),
        (Signalled(9), b'{"value":1}', Signalled(9)),
        (NotStarted(127, Failure("NotFound", "x")), b"", NotStarted(127, Failure("NotFound", "x"))),
        (RunnerLost("x"), b'{"value":1}', RunnerLost("x")),
        (NoProcess("x"), b"", NoProcess("x")),
    ],
)
def test_result_counts_where_the_process_ended_as_it_says(how: How, result: bytes, expected: object) -> None:
    """A signal, or a failing exit code after a value, has the last word; an exception is never a success."""
    assert outcome(how, result) == expected


@pytest.mark.parametrize(
    "result", [b"{", b"\0", b"[]", b'{"value":1}{"value":2}', b'{"other":1}', b"[" * 100_000, b'{"error":{}}']
)
def test_garbled_result_is_a_failure(result: bytes) -> None:
    """The job wrote it, so it may be anything."""
    seen = outcome(Exited(0), result)
    assert isinstance(seen, Raised)
    assert seen.failure.type == "BadResult"


def test_result_over_the_limit_is_a_failure() -> None:
    """It is not kept in part."""
    seen = outcome(Exited(0), b'{"value":"' + b"x" * MAX_RESULT_BYTES + b'"}')
    assert isinstance(seen, Raised)
    assert seen.failure.type == "BadResult"


def test_command_of_a_python_job_carries_its_arguments() -> None:
    """As they came, without another reading."""
    command = python_command(Python("m:f", msgspec.Raw(b"[1, 2]"), msgspec.Raw(b'{"a": 3}')), env={"A": "b"}, cwd="/x")
    assert command.args == b'{"args":[1, 2],"kwargs":{"a": 3}}'
    assert (command.argv[-1], command.env, command.cwd, command.wants_result) == ("m:f", {"A": "b"}, "/x", True)
