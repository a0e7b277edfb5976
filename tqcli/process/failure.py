"""What went wrong in a Python job, in words: for its record, and for the person who reads it."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from tqcli.core.kinds import name_kind
from tqcli.core.nearest import nearest

if TYPE_CHECKING:
    from types import TracebackType

MAX_MESSAGE_CHARS = 4 * 1024
MAX_TRACEBACK_CHARS = 16 * 1024
MAX_KINDS = 30


def describe(error: BaseException) -> dict[str, str]:
    """Return type, message and traceback of an exception, without tq's own frames and cut where they are long."""
    kind = type(error)
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a job's own `__str__`
        message = "(its message can't be shown)"
    trace = traceback.TracebackException(kind, error, skip_frames(error.__traceback__))
    return {
        "type": name_kind(kind),
        "message": cut(message, MAX_MESSAGE_CHARS),
        "traceback": cut("".join(trace.format()), MAX_TRACEBACK_CHARS),
    }


def name_kinds(error: BaseException) -> list[str]:
    """Return the names of an exception's class and of those it is derived from, the nearest first."""
    return [name_kind(kind) for kind in type(error).__mro__[:MAX_KINDS] if issubclass(kind, BaseException)]


def skip_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback from the job's first frame on: above it are tq's, and those of import and asyncio."""
    ours = (str(Path(__file__).parents[1]) + os.sep, str(Path(json.__file__).parents[1] / "asyncio") + os.sep)
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
