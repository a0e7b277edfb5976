"""The layout holds: layers, no cycles, and who alone may do what."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure

import tqcli

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grimp import ImportGraph

ROOT = Path(tqcli.__file__).parent.parent
TOP_LEVEL = {"pyproject.toml", "tqcli", "jobs", "tests", "completions", "README.md"}
BUILT = {"build", "dist"}
STARTERS = ("tqcli.process", "tqcli.local")
START_MODULES = {"subprocess", "multiprocessing", "pty", "concurrent.futures.process"}
START_CALLS = ("fork", "posix_spawn", "spawn", "exec", "system", "popen", "create_subprocess")


def test_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports go downward, only jetstream imports nats, and the core is pure: as pyproject.toml has it."""
    monkeypatch.chdir(ROOT)
    configure()
    assert lint_imports(config_filename="pyproject.toml", cache_dir=None, is_debug_mode=False)


def test_no_module_imports_itself_in_a_circle(graph: ImportGraph) -> None:
    """Every module can be read after those it stands on."""
    ours = [module for module in graph.modules if module.startswith("tqcli")]
    edges = {module: {it for it in graph.find_modules_directly_imported_by(module) if it in ours} for module in ours}
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_only_jetstream_imports_nats(graph: ImportGraph) -> None:
    """Also not a package that pyproject.toml does not list yet."""
    importers = graph.find_modules_that_directly_import("nats") if "nats" in graph.modules else set()
    assert {importer for importer in importers if not importer.startswith("tqcli.jetstream.")} == set()


def test_only_process_and_local_start_programs() -> None:
    """One place to look for what a job may do to a host; the embedded server is the other."""
    guilty = [
        f"{module}:{line}: {what}"
        for module, path in _modules()
        if not module.startswith(STARTERS)
        for line, what in _starts(ast.parse(path.read_bytes()))
    ]
    assert guilty == []


@pytest.mark.parametrize(
    "code",
    [
        "import subprocess",
        "from subprocess import run",
        "import os\nos.posix_spawn(1)",
        "import os\nos.fork()",
        "import os\nos.execv(1)",
        "from os import system",
        "import asyncio\nasyncio.create_subprocess_exec(1)",
        "import multiprocessing.pool",
    ],
)
def test_every_way_to_start_a_program_is_found(code: str) -> None:
    """The search itself works."""
    assert list(_starts(ast.parse(code)))


def test_top_level_holds_what_it_should() -> None:
    """Nothing is left lying about."""
    seen = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert {name for name in seen if not name.endswith(".egg-info")} - BUILT == TOP_LEVEL


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "tqcli").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts), path


def _starts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Give each line that starts a program or imports what does."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                for alias in names:
                    if any(f"{alias.name}.".startswith(f"{module}.") for module in START_MODULES):
                        yield node.lineno, alias.name
            case ast.ImportFrom(module, names) if module is not None:
                if any(f"{module}.".startswith(f"{starter}.") for starter in START_MODULES):
                    yield node.lineno, module
                if module in {"os", "asyncio"}:
                    yield from ((node.lineno, alias.name) for alias in names if alias.name.startswith(START_CALLS))
            case ast.Attribute(ast.Name("os" | "asyncio"), name) if name.startswith(START_CALLS):
                yield node.lineno, name
            case _:
                pass
