"""Applying schedule files: what is to be done so that the schedules are those that the files declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from tqcli.core.schedules.planning import define, preview
from tqcli.core.schedules.schedule import Definition, Schedule
from tqcli.core.schedules.table import compare, to_table
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_WORDS = {True: "yes", False: "no"}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as a file declares it. `paused` is None where the file does not say; `source` says where it is."""

    definition: Definition
    paused: bool | None
    source: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """An option that changes; `-` is its default."""

    option: str
    old: str
    new: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one schedule.

    `after` is the schedule as it will be, None where it is removed; `redefined`, whether its definition changes;
    `pausing`, whether it is paused or resumed, None where it stays as it is.
    """

    what: Literal["added", "changed", "removed", "unchanged"]
    name: str
    after: Schedule | None = None
    redefined: bool = False
    pausing: bool | None = None
    differences: tuple[Difference, ...] = ()


def plan_changes(
    wanted: Iterable[Wanted], existing: Mapping[str, Schedule], *, prune: bool, now: datetime
) -> list[Change]:
    """Return what is to be done, by name. With `prune`, what a file declared once and none declares now is removed.

    Raises:
        InvalidInput: a new or changed schedule would never run; the message says which.
    """
    changes = {one.definition.name: _plan(one, existing.get(one.definition.name), now) for one in wanted}
    for name, schedule in existing.items():
        if prune and schedule.definition.declared and name not in changes:
            changes[name] = Change(what="removed", name=name)
    return [changes[name] for name in sorted(changes)]


def _plan(wanted: Wanted, last: Schedule | None, now: datetime) -> Change:
    name = wanted.definition.name
    after = define(wanted.definition, now=now, by=None, last=last)
    if last is None:
        _check_runs(wanted, after)
        return Change(what="added", name=name, after=after, redefined=True, pausing=wanted.paused)
    was_paused = last.paused is not None
    pausing = None if wanted.paused == was_paused else wanted.paused
    differences: list[Difference] = []
    if redefined := after.definition != last.definition:
        _check_runs(wanted, after)
        before = to_table(last.definition) | {"declared": _WORDS[last.definition.declared]}
        table = to_table(after.definition) | {"declared": _WORDS[after.definition.declared]}
        differences += [Difference(option=one, old=old, new=new) for one, old, new in compare(before, table)]
    if pausing is not None:
        differences.append(Difference(option="paused", old=_WORDS[was_paused], new=_WORDS[pausing]))
    return Change(
        what="changed" if differences else "unchanged",
        name=name,
        after=after,
        redefined=redefined,
        pausing=pausing,
        differences=tuple(differences),
    )


def check_runs(schedule: Schedule) -> None:
    """Return where a schedule that was defined just now has a planned time at all.

    Raises:
        InvalidInput: it has none.
    """
    if not preview(schedule, 1):
        msg = "it would never run: there is no planned time from now on"
        until = schedule.definition.until
        hint = "the time is past" if until is None else f"it ends before its first planned time, on {until.isoformat()}"
        raise InvalidInput(msg, hint=hint)


def _check_runs(wanted: Wanted, schedule: Schedule) -> None:
    try:
        check_runs(schedule)
    except InvalidInput as error:
        msg = f"{wanted.source}: {error.message}"
        raise InvalidInput(msg, hint=error.hint) from error
