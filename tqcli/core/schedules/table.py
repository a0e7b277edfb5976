"""A schedule's definition as the table that declares it: what is shown, compared, and written to a schedule file.

Options that hold their default are left out, so `core.schedules.file` reads back the same definition.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tqcli.core.duration import format_duration
from tqcli.core.schedules.rule import AtRule, CronRule, EveryRule
from tqcli.core.schedules.schedule import DEFAULT_CATCH_UP
from tqcli.core.spec import (
    DEFAULT_BACKOFF,
    DEFAULT_GRACE,
    DEFAULT_MAX_LOSSES,
    DEFAULT_QUEUE,
    Shell,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tqcli.core.schedules.rule import Rule
    from tqcli.core.schedules.schedule import Definition
    from tqcli.core.spec import Spec

    Table = dict[str, Any]

_ZERO = timedelta(0)
_PLAIN: dict[str, object] = {
    "name": None,
    "queue": DEFAULT_QUEUE,
    "priority": "normal",
    "retries": 0,
    "backoff": DEFAULT_BACKOFF,
    "retry_on": None,
    "no_retry_on": None,
    "timeout": None,
    "grace": DEFAULT_GRACE,
    "max_losses": DEFAULT_MAX_LOSSES,
    "env": {},
}
"""Options that a spec holds under their own name, and their defaults."""


def to_table(definition: Definition) -> Table:
    """Return the options that make this definition, by their names in a schedule file.

    Values are those of TOML. What no file can say is there all the same, where it is not the default: `directory`, in
    which the job runs where the agent has it, and `stdin` of bytes that are no text.
    """
    return {
        **_rule_table(definition.rule),
        **_given("overlap", definition.overlap, "skip"),
        **_given("catch-up", definition.catch_up, DEFAULT_CATCH_UP),
        **_given("jitter", definition.jitter, _ZERO),
        **_given("until", definition.until, None),
        **_given("max-runs", definition.max_runs, None),
        **_given("note", definition.note, None),
        **_work_table(definition.template),
        **_given("expires", definition.expires, None),
    }


def show_value(value: object) -> str:
    """Return a value of such a table on one line.

    >>> show_value(["rsync", "-a b"]), show_value({"LANG": "C"})
    ("rsync '-a b'", 'LANG=C')
    """
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case list() if all(isinstance(one, str) for one in value):
            from shlex import join  # noqa: PLC0415 - only what is shown to people needs it

            return join(value)
        case dict() if all(isinstance(one, str) for one in value.values()):
            return ", ".join(f"{key}={text}" for key, text in value.items())
        case list() | dict():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)


def compare(old: Mapping[str, object], new: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """Return what differs between two tables: each option with its old and its new value; `-` is the default."""
    keys = [*old, *(key for key in new if key not in old)]
    return [(key, _show_or_dash(old, key), _show_or_dash(new, key)) for key in keys if old.get(key) != new.get(key)]


def _show_or_dash(table: Mapping[str, object], key: str) -> str:
    return show_value(table[key]) if key in table else "-"


def _rule_table(rule: Rule) -> Table:
    match rule:
        case CronRule():
            return {"cron": rule.expression, "tz": rule.tz, **_given("dst", rule.dst, "once")}
        case EveryRule():
            return {"every": format_duration(rule.every)}
        case AtRule():
            return {"at": rule.at.astimezone(UTC)}


def _work_table(template: Spec) -> Table:
    work = template.work
    table: Table = {}
    if isinstance(work, Shell):
        table["shell" if work.line else "command"] = work.argv[0] if work.line else list(work.argv)
    else:
        table["python"] = work.entrypoint
        table |= _given("args", msgspec.json.decode(work.args), [])
        table |= _given("kwargs", msgspec.json.decode(work.kwargs), {})
    for field, default in _PLAIN.items():
        table |= _given(field.replace("_", "-"), getattr(template, field), default)
    if template.cwd is not None:
        table["cwd" if template.cwd_required else "directory"] = template.cwd
    if template.stdin is not None and template.stdin.data is not None:
        table |= _stdin_table(template.stdin.data)
    return table


def _stdin_table(data: bytes) -> Table:
    try:
        return {"stdin-text": data.decode()}
    except UnicodeDecodeError:
        from hashlib import sha256  # noqa: PLC0415 - hardly any job reads such

        return {"stdin": f"{len(data):,} bytes, SHA-256 {sha256(data).hexdigest()}"}


def _given(key: str, value: object, default: object) -> Table:
    if value == default:
        return {}
    return {key: format_duration(value) if isinstance(value, timedelta) else value}
