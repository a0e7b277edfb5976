"""What went wrong in a Python job, in words: for its record, and for the person who reads it."""

from __future__ import annotations

import importlib
import json
import math
import os
import pkgutil
import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from tqcli.core.nearest import nearest

if TYPE_CHECKING:
    from types import TracebackType

MAX_MESSAGE_CHARS = 4 * 1024
MAX_TRACEBACK_CHARS = 16 * 1024
MAX_WALK = 200

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def describe(error: BaseException) -> dict[str, str]:
    """Return type, message and traceback of an exception, without tq's own frames and cut where they are long."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a job's own `__str__`
        message = "(its message can't be shown)"
    trace = traceback.TracebackException(kind, error, skip_frames(error.__traceback__))
    return {
        "type": name,
        "message": cut(message, MAX_MESSAGE_CHARS),
        "traceback": cut("".join(trace.format()), MAX_TRACEBACK_CHARS),
    }


def skip_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback from the job's first frame on: above it are tq's, and those of import and asyncio."""
    ours = (str(Path(__file__).parent) + os.sep, str(Path(json.__file__).parents[1] / "asyncio") + os.sep)
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not (name.startswith(ours) or name == importlib.__file__ or name.startswith("<frozen importlib")):
            return trace
        trace = trace.tb_next
    return None


def cut(text: str, limit: int) -> str:
    """Return `text`, without its middle where it is longer than `limit` characters."""
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= limit:
        return text
    head, tail = limit // 4, limit * 3 // 4 - 40
    return f"{text[:head]}\n… {len(text) - head - tail} characters …\n{text[-tail:]}"


def no_module(name: str) -> ModuleNotFoundError:
    """Return the error for a module that is neither in the job's directory nor installed."""
    parent, _, last = name.rpartition(".")
    places = list(getattr(importlib.import_module(parent), "__path__", ())) if parent else [str(Path.cwd())]
    near = nearest(last, [module.name for module in pkgutil.iter_modules(places)])
    hint = f"; did you mean {near!r}?" if near is not None else ""
    where = f"package {parent!r}" if parent else f"{str(Path.cwd())!r}, nor is it installed"
    return ModuleNotFoundError(f"no module {last!r} in {where}{hint}", name=name)


def no_attribute(holder: object, name: str) -> AttributeError:
    """Return the error for a function that its module does not have."""
    near = nearest(name, [word for word in dir(holder) if not word.startswith("_")])
    hint = f"; did you mean {near!r}?" if near is not None else ""
    return AttributeError(f"{getattr(holder, '__name__', holder)!s} has no {name!r}{hint}", name=name, obj=holder)


def not_json(value: object, error: Exception) -> Exception:
    """Return the error for a return value that JSON can't hold, naming the part that it can't."""
    fault = find_fault(value, "value", 0) or str(error)
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"the return value is not JSON: {fault}")


def find_fault(value: object, path: str, depth: int) -> str | None:
    """Return the words for the first part that JSON can't hold; `path` is how the part is written in Python."""
    if depth > MAX_WALK:
        return f"{path[:200]}… is nested too deep, or within itself"
    if isinstance(value, dict):
        for key, part in value.items():
            if key is not None and not isinstance(key, (str, int, float)):
                return f"{path} has a key of type {type(key).__name__}: {key!r:.100}"
            fault = find_fault(key, f"a key of {path}", depth) or find_fault(part, f"{path}[{key!r:.100}]", depth + 1)
            if fault is not None:
                return fault
        return None
    if isinstance(value, (list, tuple)):
        faults = (find_fault(part, f"{path}[{number}]", depth + 1) for number, part in enumerate(value))
        return next((fault for fault in faults if fault is not None), None)
    return find_scalar_fault(value, path)


def find_scalar_fault(value: object, path: str) -> str | None:
    """Return the words for a value without parts that JSON can't hold."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return f"{path} is text with half a surrogate pair"
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{path} is {value}"
    if value is None or isinstance(value, int):
        return None
    return f"{path} is of type {type(value).__name__}"


def depth_of(body: bytes) -> int:
    """Return how many lists and objects the JSON has within each other.

    >>> depth_of(b'{"a": [1, [2, "[["]]}')
    3
    """
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
