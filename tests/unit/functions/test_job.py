"""What the decorator makes of a function."""

from __future__ import annotations

import asyncio
import functools
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest

from tqcli import job
from tqcli.errors import InvalidInput
from tqcli.functions.entrypoint import find_class, find_entrypoint


@job
def add(a: int, b: int = 1) -> int:
    """Return the sum."""
    return a + b


@job(queue="mail")
async def send(name: str) -> str:
    """Return the name."""
    return name


class Shop:
    """A class with a job."""

    @staticmethod
    @job
    def open() -> str:
        """Return a word."""
        return "open"


def test_job_is_still_its_function() -> None:
    """Called, and looked at."""
    assert add(2) == 3
    assert asyncio.run(send("a")) == "a"
    assert Shop.open() == "open"
    assert (add.__name__, add.__doc__, add.__module__) == ("add", "Return the sum.", __name__)  # type: ignore[attr-defined]
    assert repr(add) == f"<job {__name__}:add>"


def test_options_are_added_to_a_copy() -> None:
    """The job itself stays as it was."""
    urgent = send.options(priority="high")
    assert (urgent.given, send.given) == ({"queue": "mail", "priority": "high"}, {"queue": "mail"})
    assert urgent.s("a").options(name="x").given == {"queue": "mail", "priority": "high", "name": "x"}


def test_wrong_arguments_are_refused_at_once() -> None:
    """As a call would refuse them."""
    with pytest.raises(TypeError, match="missing a required argument: 'a'"):
        add.s()  # type: ignore[call-arg]


def test_function_that_nobody_can_import_is_no_job() -> None:
    """A lambda, or one that a function made."""

    def inner() -> None:
        pass

    with pytest.raises(InvalidInput, match="no other process can import a lambda"):
        job(lambda: None)
    with pytest.raises(InvalidInput, match=r"no other process can import .*inner, made in a function"):
        job(inner)


def test_entrypoint_is_where_the_function_is() -> None:
    """With the directory to import from; none for what is installed."""
    name, root = find_entrypoint(add.function)
    assert name == f"{__name__}:add"
    assert root is not None
    assert __file__ == f"{root}/{__name__.replace('.', '/')}.py"
    assert find_entrypoint(Shop.open.function).name == f"{__name__}:Shop.open"
    assert find_entrypoint(pytest.raises).root is None
    assert find_entrypoint(functools.reduce).root is None


def test_function_that_lost_its_name_is_refused() -> None:
    """A job would find another one under it."""

    def other() -> None:
        pass

    other.__qualname__ = "add"
    with pytest.raises(InvalidInput, match="is not this function"):
        find_entrypoint(other)


@pytest.mark.parametrize(
    ("file", "name"), [("/x/tasks.py", "tasks:f"), ("/x/my-tasks.py", None), (None, None), ("/x/tool", None)]
)
def test_script_has_the_name_of_its_file(monkeypatch: pytest.MonkeyPatch, file: str | None, name: str | None) -> None:
    """Where that can be one of a module; a prompt has none."""
    main: Any = ModuleType("__main__")
    if file is not None:
        main.__file__ = file
    exec("def f(): pass\nclass C: pass", main.__dict__)  # noqa: S102 - as the interpreter does
    monkeypatch.setitem(sys.modules, "__main__", main)
    if name is None:
        with pytest.raises(InvalidInput, match="no other process can import what was defined in"):
            find_entrypoint(main.f)
        return
    assert find_entrypoint(main.f) == (name, "/x")
    assert find_class("tasks:C") is main.C


def test_module_that_was_started_by_name_has_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m package.tasks`."""
    main: Any = ModuleType("__main__")
    main.__file__, main.__spec__ = "/x/package/tasks.py", ModuleSpec("package.tasks", None)
    exec("def f(): pass", main.__dict__)  # noqa: S102 - as the interpreter does
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert find_entrypoint(main.f) == ("package.tasks:f", "/x")
