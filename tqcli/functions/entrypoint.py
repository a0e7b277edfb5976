"""Where a job finds a function or a class: `module:name`, and the directory that the module is imported from.

That directory becomes the job's working directory, so an agent on this host, or on one with the same files, imports
what this process imported, wherever it was started. What is installed is found anywhere.

A script that was started by its path is the module `__main__`, which is another one in every process. Its file has a
name, though: as `tasks.py` it is the module `tasks` for its jobs. They import it, so what a script does by itself has
to stand below `if __name__ == "__main__":`.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from tqcli.errors import InvalidInput
from tqcli.process.entry import load_class

if TYPE_CHECKING:
    from types import ModuleType

_MAIN = ("__main__", "__mp_main__")
"""The second is what `multiprocessing` calls it in its children."""
_TO_A_FILE = "put the function into a file of its own, and import it from there"


class Entrypoint(NamedTuple):
    """`name` is `module:function`; `root`, the directory to import from, is None for what is installed."""

    name: str
    root: str | None


def find_entrypoint(function: Any) -> Entrypoint:
    """Return where a job finds `function`.

    Raises:
        InvalidInput: it would not find it.
    """
    name = name_importable(function)
    module = sys.modules.get(function.__module__)
    if module is None:
        msg = f"{function.__qualname__} is of the module {function.__module__!r}, which is not imported"
        raise InvalidInput(msg, hint=_TO_A_FILE)
    found: Any = module
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    if getattr(found, "function", found) is not function:
        msg = f"{name} is not this function: its module has another thing of that name, or nothing"
        raise InvalidInput(msg, hint="a job's function keeps the name that it was defined with")
    return Entrypoint(name, _find_root(module, name.partition(":")[0]))


def name_importable(thing: Any) -> str:
    """Return `module:name` of a function or class, as other processes can import it.

    Raises:
        InvalidInput: none can: it was made in a function, or typed into a prompt.
    """
    if "<" in thing.__qualname__:
        what = "a lambda" if thing.__qualname__.endswith("<lambda>") else f"{thing.__qualname__}, made in a function,"
        msg = f"no other process can import {what}"
        raise InvalidInput(msg, hint="define it with a name at the top of its module")
    module = thing.__module__
    return f"{_name_main() if module in _MAIN else module}:{thing.__qualname__}"


def find_class(name: str) -> type:
    """Return the class that `module:class` names; raises as `process.entry.load_class`.

    Where the module is this process's `__main__`, that is asked: imported again, it would be another class.
    """
    module, _, path = name.partition(":")
    main = sys.modules.get("__main__")
    if main is not None and module not in sys.modules and module == _guess_main(main):
        return load_class(f"__main__:{path}")
    return load_class(name)


def _name_main() -> str:
    main = sys.modules["__main__"]
    name = _guess_main(main)
    if name is None:
        file = getattr(main, "__file__", None)
        where = "a prompt or a notebook" if file is None else f"{file!r}, whose name is none of a module"
        msg = f"no other process can import what was defined in {where}"
        raise InvalidInput(msg, hint=_TO_A_FILE)
    return name


def _guess_main(main: ModuleType) -> str | None:
    """Return the name under which `__main__` can be imported."""
    if main.__spec__ is not None:  # python -m package.module
        return main.__spec__.name
    stem, extension = os.path.splitext(os.path.basename(getattr(main, "__file__", None) or ""))  # noqa: PTH119, PTH122
    return stem if extension == ".py" and stem.isidentifier() else None


def _find_root(module: ModuleType, name: str) -> str | None:
    file = getattr(module, "__file__", None)
    if file is None:
        return None
    folder = os.path.dirname(os.path.abspath(file))  # noqa: PTH100, PTH120 - links stay as they are
    is_package = os.path.basename(file).startswith("__init__.")  # noqa: PTH119
    for _ in range(name.count(".") + is_package):
        folder = os.path.dirname(folder)  # noqa: PTH120
    is_installed = folder in _installed() or os.path.basename(folder) in {"site-packages", "dist-packages"}  # noqa: PTH119
    return None if is_installed else folder


@functools.cache
def _installed() -> frozenset[str]:
    """Return the directories of what is installed with this Python: to ask for them takes a while."""
    import sysconfig  # noqa: PLC0415 - only who submits needs it

    return frozenset(sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib", "platstdlib"))
