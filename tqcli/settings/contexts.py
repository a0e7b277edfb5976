"""The settings file `contexts.toml`: every context, and the one in use."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.names import quote
from tqcli.core.nearest import nearest
from tqcli.errors import Conflict, InvalidInput, NotFound, SettingsError
from tqcli.settings.context import LOCAL, Context
from tqcli.settings.files import PRIVATE_FILE, refuse_folder, replace_file
from tqcli.settings.paths import CONFIG_VARIABLE, config_dir, ensure_config_dir
from tqcli.settings.urls import parse_servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "contexts.toml"
_LOCK = "contexts.lock"


class Contexts(msgspec.Struct, frozen=True):
    """Every context by its name. `current` is the one in use, None the local broker."""

    current: str | None = None
    table: dict[str, Context] = {}


def contexts_path() -> Path:
    """Return where the settings file is."""
    return config_dir() / FILE


def load_contexts() -> Contexts:
    """Return what the settings file holds; nothing where there is none.

    Raises:
        SettingsError: it can't be read, or holds something else. The message names the file and the entry.
    """
    path = contexts_path()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Contexts()
    except OSError as error:
        msg = f"the settings file {path} can't be read: {error.strerror}"
        raise SettingsError(msg, hint=f"make it readable for you, or set {CONFIG_VARIABLE}") from error
    return _decode(data, path)


def find_context(contexts: Contexts, name: str, *, source: str) -> Context:
    """Return the context that `source` (a flag, variable or file) names.

    Raises:
        SettingsError: there is none; the message names the source, the hint a near name.
    """
    if name in contexts.table:
        return contexts.table[name]
    msg = f"{source} names the context {quote(name)}, which does not exist"
    raise SettingsError(msg, hint=_suggest(contexts, name))


def add_context(context: Context, *, use: bool = False, replace: bool = False) -> Contexts:
    """Return the contexts with one more, stored; with `use` it is the one in use.

    Raises:
        Conflict: there is one of that name, and `replace` is not set.
    """
    with _changing() as contexts:
        if context.name in contexts.table and not replace:
            msg = f"the context {context.name!r} exists"
            raise Conflict(msg, hint="--replace puts this one in its place; or choose another name")
        current = context.name if use else contexts.current
        return _save(Contexts(current, contexts.table | {context.name: context}))


def remove_context(name: str) -> Contexts:
    """Return the contexts without that one, stored. If it was in use, the local broker is now.

    Raises:
        NotFound: there is none of that name.
    """
    with _changing() as contexts:
        _check_exists(contexts, name)
        rest = {key: context for key, context in contexts.table.items() if key != name}
        return _save(Contexts(None if contexts.current == name else contexts.current, rest))


def use_context(name: str) -> Contexts:
    """Return the contexts with that one in use, stored; `local` stands for tq's own broker.

    Raises:
        NotFound: there is none of that name.
    """
    with _changing() as contexts:
        if name != LOCAL:
            _check_exists(contexts, name)
        return _save(Contexts(None if name == LOCAL else name, contexts.table))


def _check_exists(contexts: Contexts, name: str) -> None:
    if name not in contexts.table:
        msg = f"there is no context {quote(name)}"
        raise NotFound(msg, hint=_suggest(contexts, name))


def _suggest(contexts: Contexts, name: str) -> str:
    near = nearest(name, contexts.table)
    if near is not None:
        return f"did you mean {near!r}?"
    return "`tq context ls` lists them" if contexts.table else "`tq context add NAME --server URL` makes one"


@contextmanager
def _changing() -> Iterator[Contexts]:
    """Give the stored contexts while no other process changes them."""
    folder = ensure_config_dir()
    try:
        fd = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    except OSError as error:
        raise refuse_folder(folder, error, variable=CONFIG_VARIABLE) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield load_contexts()
    finally:
        os.close(fd)


def _save(contexts: Contexts) -> Contexts:
    import tomli_w  # noqa: PLC0415 - only a change needs it, and every command pays for an import

    table: dict[str, object] = {}
    if contexts.current is not None:
        table["current"] = contexts.current
    stored = {name: msgspec.to_builtins(context, str_keys=True) for name, context in contexts.table.items()}
    for entry in stored.values():
        del entry["name"]
    path = contexts_path()
    try:
        replace_file(path, tomli_w.dumps(table | {"contexts": stored}).encode(), durable=True)
    except OSError as error:
        raise refuse_folder(path.parent, error, variable=CONFIG_VARIABLE) from error
    return contexts


def _decode(data: bytes, path: Path) -> Contexts:
    import tomllib  # noqa: PLC0415 - only where there is a file, and every command pays for an import

    try:
        table = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"the settings file {path} is not TOML: {error}"
        raise SettingsError(msg, hint="mend it with an editor, or remove it") from error
    entries = table.pop("contexts", {})
    current = table.pop("current", None)
    if table or not isinstance(entries, dict) or not isinstance(current, str | None):
        msg = f"the settings file {path} has something wrong at {next(iter(table), 'current')!r}"
        raise SettingsError(msg, hint="it holds `current` and tables [contexts.NAME]")
    contexts = {name: _decode_context(name, entry, path, data) for name, entry in entries.items()}
    return Contexts(None if current == LOCAL else current, contexts)


def _decode_context(name: str, entry: object, path: Path, data: bytes) -> Context:
    named = {**entry, "name": name} if isinstance(entry, dict) else entry
    try:
        context = msgspec.convert(named, Context)
        # A person may have written the file: what is short for something else is written out here.
        urls, login = parse_servers(context.servers)
    except (msgspec.ValidationError, InvalidInput) as error:
        msg = f"the settings file {path} has a wrong entry [contexts.{name}]: {error}"
        raise SettingsError(msg, hint=f"mend it with an editor{_find_line(name, data)}") from error
    found = {field: value for field, value in login._asdict().items() if field != "url" and value is not None}
    return msgspec.structs.replace(context, servers=urls, **found)


def _find_line(name: str, data: bytes) -> str:
    """Return where the entry begins, in words; nothing where it is written otherwise than as a table of its own."""
    headings = (f"[contexts.{name}]", f'[contexts."{name}"]')
    lines = enumerate(data.decode().splitlines(), 1)
    numbers = [number for number, line in lines if line.replace(" ", "").startswith(headings)]
    return f", from line {numbers[0]} on" if numbers else ""
