"""What is to be done so that the schedules are those that the files declare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tqcli.core.options import JobOptions
from tqcli.core.schedules.applying import Difference, Wanted, plan_changes
from tqcli.core.schedules.options import ScheduleOptions, Surroundings, build_definition
from tqcli.core.schedules.planning import define, pause
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from tqcli.core.schedules.schedule import Schedule

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def want(name: str = "x", *, paused: bool | None = None, now: datetime = LATER, **options: Any) -> Wanted:
    """Return a schedule as a file declares it, by the hour unless the options say something else."""
    given = options or {"every": timedelta(hours=1)}
    around = Surroundings(now, "UTC", declared=True)
    definition = build_definition(name, ScheduleOptions(**given), JobOptions(shell="date"), around)
    return Wanted(definition=definition, paused=paused, source=f"all.toml: [{name}]")


def there(*wanted: Wanted, declared: bool = True) -> dict[str, Schedule]:
    """Return those schedules as they were defined a day ago."""
    return {
        one.definition.name: define(msgspec.structs.replace(one.definition, declared=declared), now=NOW, by="ann@host")
        for one in wanted
    }


def test_what_is_new_is_added_and_what_is_the_same_stays() -> None:
    """By name; also an interval, which was defined at another time."""
    changes = plan_changes([want("b"), want("a")], there(want("a", now=NOW)), prune=True, now=LATER)
    assert [(one.name, one.what) for one in changes] == [("a", "unchanged"), ("b", "added")]


def test_change_says_what_differs() -> None:
    """Each option with its old value and its new one."""
    old = there(want(cron="0 * * * *", tz="UTC", note="old"))
    (change,) = plan_changes([want(cron="5 * * * *", tz="UTC", jitter=timedelta(minutes=1))], old, prune=False, now=NOW)
    assert (change.what, change.redefined, change.pausing) == ("changed", True, None)
    assert change.differences == (
        Difference(option="cron", old="0 * * * *", new="5 * * * *"),
        Difference(option="note", old="old", new="-"),
        Difference(option="jitter", old="-", new="1m"),
    )


def test_what_was_added_by_hand_is_taken_over_where_a_file_names_it() -> None:
    """And stays where none does, pruning or not."""
    old = there(want("x"), want("y"), declared=False)
    (change,) = plan_changes([want("x")], old, prune=True, now=LATER)
    assert change.differences == (Difference(option="declared", old="no", new="yes"),)


@pytest.mark.parametrize(("prune", "names"), [(True, ["gone"]), (False, [])])
def test_what_no_file_declares_any_more_goes_with_prune(prune: bool, names: list[str]) -> None:  # noqa: FBT001 - a fact
    """Without, it stays."""
    changes = plan_changes([], there(want("gone")), prune=prune, now=LATER)
    assert [one.name for one in changes if one.what == "removed"] == names


@pytest.mark.parametrize(
    ("was", "wanted", "pausing"),
    [(True, None, None), (False, None, None), (True, True, None), (True, False, False), (False, True, True)],
)
def test_pause_changes_only_where_the_file_says_so(
    was: bool,  # noqa: FBT001 - a fact
    wanted: bool | None,  # noqa: FBT001 - a fact
    pausing: bool | None,  # noqa: FBT001 - a fact
) -> None:
    """An operator's pause is none of the file's business."""
    old = there(want())
    if was:
        old = {"x": pause(old["x"], now=NOW, note=None)}
    (change,) = plan_changes([want(paused=wanted)], old, prune=False, now=LATER)
    assert change.pausing is pausing
    assert (change.what, change.redefined) == ("unchanged" if pausing is None else "changed", False)


def test_past_time_is_refused_where_it_is_new_only() -> None:
    """A file is applied again and again: what ran once is still in it."""
    past = want(at=NOW + timedelta(hours=1))
    with pytest.raises(InvalidInput, match=r"all.toml: \[x\]: it would never run"):
        plan_changes([past], {}, prune=False, now=LATER)
    (change,) = plan_changes([past], there(past), prune=False, now=LATER)
    assert change.what == "unchanged"
