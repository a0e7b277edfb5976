"""The program of a Python job: calls `module:function` and writes down what it returned or raised.

Arguments come as JSON in the file TQ_ARGS_FD (`{"args": […], "kwargs": {…}}`), the end goes as JSON to the file
TQ_RESULT_FD (`{"value": …}` or `{"error": {type, message, traceback}, "kinds": [its class and those it is derived
from]}`); stdin, stdout and stderr are the job's own. Every Python job loads this first, so it imports next to nothing.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import types

from tqcli.core.pack import pack
from tqcli.core.values import Misfit, may_have_tags
from tqcli.process.wire import ARGS_VARIABLE, RESULT_VARIABLE

TYPE_CHECKING = False  # `typing` costs a job's start 5 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

RAISED = 1

importing: str | None = None
"""The module that is just being imported because a job's function is in it; what it does by itself must not go on
without end, such as to submit that job again."""


def main() -> None:
    """Run the entrypoint in `argv`; exit 0 where it returned, 1 where it raised, or as it asked with SystemExit."""
    given = read_all(claim_fd(ARGS_VARIABLE))
    result = Result(claim_fd(RESULT_VARIABLE))
    sys.argv[:] = sys.argv[1:]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - pathlib costs a job's start 8 ms
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)  # whoever follows the job sees a line when it is printed
    perform(sys.argv[0], given, result, call)


def perform(
    entrypoint: str, given: bytes, result: Result, run: Callable[[str, list[Any], dict[str, Any]], object]
) -> None:
    """Have `run` call the entrypoint with the arguments `given`, and write what it returned or raised.

    Raises:
        SystemExit: it raised, or asked for that.
    """
    try:
        result.write_value(run(entrypoint, *read_arguments(given)))
    except KeyboardInterrupt:
        raise
    except SystemExit as ending:
        if not ending.code:
            result.write_value(None)
        raise
    except BaseException as error:  # noqa: BLE001 - the job's own error, whatever it is, is its outcome
        from tqcli.process.failure import describe, name_kinds  # noqa: PLC0415 - 10 ms that only a failure needs

        failure = describe(error)
        result.write(json.dumps({"error": failure, "kinds": name_kinds(error)}).encode())
        sys.stderr.write(failure["traceback"])
        sys.exit(RAISED)


def read_arguments(given: bytes) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional and the named arguments in this JSON.

    Raises:
        ValueError: one of them can't be made again here; says which.
    """
    arguments = json.loads(given)
    args, kwargs = arguments["args"], arguments["kwargs"]
    if not may_have_tags(given):
        return args, kwargs
    from tqcli.core.unpack import unpack  # noqa: PLC0415 - most arguments are plain JSON

    name = "args"
    try:
        args = unpack(args, load_class)
        for key in kwargs:
            name = key
            kwargs[key] = unpack(kwargs[key], load_class)
    except Misfit as misfit:
        msg = f"the arguments can't be read: {misfit.describe(name)}"
        raise ValueError(msg) from misfit.__cause__
    return args, kwargs


def call(entrypoint: str, args: list[Any], kwargs: dict[str, Any]) -> object:
    """Return what the function returns; a coroutine function is run to its end.

    Raises:
        Exception: whatever the function or the import of its module raises.
    """
    value: object = load(entrypoint)(*args, **kwargs)
    if isinstance(value, types.CoroutineType):
        import asyncio  # noqa: PLC0415 - 40 ms that most functions don't need

        return asyncio.run(value)
    return value


def load(entrypoint: str) -> Callable[..., Any]:
    """Return the function that `module:function` names; raises as `find`, and TypeError where it can't be called."""
    global importing  # noqa: PLW0603 - a process imports one job's module at a time
    importing = entrypoint.partition(":")[0]
    try:
        found = find(entrypoint)
    finally:
        importing = None
    if not callable(found):
        msg = f"{entrypoint} is no function but of type {type(found).__name__}"
        raise TypeError(msg)
    function: Callable[..., Any] = found
    return function


def load_class(name: str) -> type:
    """Return the class that `module:class` names; raises as `find`, and TypeError where it is none."""
    found = find(name)
    if not isinstance(found, type):
        msg = f"{name} is no class but of type {type(found).__name__}"
        raise TypeError(msg)
    return found


def find(entrypoint: str) -> Any:
    """Return what `module:name` names; either may have dots.

    Raises:
        ValueError: it has not that form.
        ModuleNotFoundError: there is no such module.
        AttributeError: the module has nothing of that name.
    """
    module_name, colon, path = entrypoint.partition(":")
    if not (colon and module_name and path):
        msg = f"{entrypoint!r} is not of the form module:function"
        raise ValueError(msg)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # a module that this one needs
        from tqcli.process.failure import no_module  # noqa: PLC0415 - as above

        raise no_module(error.name) from None
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            from tqcli.process.failure import no_attribute  # noqa: PLC0415 - as above

            raise no_attribute(found, name) from None
    return found


class Result:
    """The file that a job's end is written to, once and only by the process that tq started."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._pid = os.getpid()

    def write_value(self, value: object) -> None:
        """Write a function's return value.

        Raises:
            TypeError: it can't be told in JSON; says which part of it.
            ValueError: it is too big.
        """
        try:
            text = json.dumps(pack(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except Misfit as misfit:
            msg = f"the return value can't be sent: {misfit.describe('value')}"
            raise TypeError(msg) from None
        body = text.encode()
        check_size(body)
        self.write(b'{"value":' + body + b"}")

    def write(self, body: bytes) -> None:
        """Write the whole of it; nothing, in a copy of the process that the job forked and let return."""
        if os.getpid() == self._pid:
            view = memoryview(body)
            while view:
                view = view[os.write(self._fd, view) :]


MAX_VALUE_BYTES = 16 * 1024 * 1024 - 64


def check_size(body: bytes) -> None:
    """Return where the JSON is small enough to be kept.

    Raises:
        ValueError: it is not.
    """
    if len(body) > MAX_VALUE_BYTES:
        msg = f"the return value is {len(body):,} bytes of JSON, of at most {MAX_VALUE_BYTES:,}: write it to a file"
        raise ValueError(msg)


def claim_fd(variable: str) -> int:
    """Return the descriptor named by a variable, out of the reach of whatever the job starts."""
    fd = int(os.environ.pop(variable))
    os.set_inheritable(fd, False)  # noqa: FBT003
    return fd


def read_all(fd: int) -> bytes:
    """Return the rest of a file, and close it."""
    with open(fd, "rb") as file:
        return file.read()
