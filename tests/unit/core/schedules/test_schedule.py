"""Schedules as data: what a definition may say, the ids of its jobs, and the bytes of a snapshot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given

from tests.support.schedules import HOURLY, START, make_definition
from tests.unit.core.examples import moments, specs
from tqcli.core.ids import is_group_id, submitted_at
from tqcli.core.schedules.planning import add_entries, define
from tqcli.core.schedules.rule import CronRule, EveryRule
from tqcli.core.schedules.schedule import (
    HISTORY_KEPT,
    MAX_STDIN_BYTES,
    Backfilled,
    Definition,
    Pause,
    Run,
    Schedule,
    Skipped,
    check_definition,
    decode_schedule,
    encode_schedule,
    make_run,
    make_spec,
    make_template,
    parse_catch_up,
)
from tqcli.core.spec import Shell, Spec, Stdin
from tqcli.core.state import Reason, State
from tqcli.errors import CorruptRecord, InvalidInput


def make(**fields: Any) -> Schedule:
    """Return a schedule of that definition."""
    return define(make_definition(**({"rule": HOURLY} | fields)), now=START, by="ann@host")


@given(moments)
def test_a_planned_time_has_one_id(planned: datetime) -> None:
    """It is the same wherever it is made, and tells the planned time to the second."""
    run = make_run(make(), planned)
    assert run == make_run(make(), planned)
    assert is_group_id(run.job)
    assert submitted_at(run.job).replace(microsecond=0) == planned.replace(microsecond=0)


def test_other_schedules_revisions_and_times_have_other_ids() -> None:
    """A schedule that was removed and made again is another one."""
    schedule = make()
    replace = msgspec.structs.replace
    others = [
        make(name="weekly"),
        replace(schedule, revision=2),
        replace(schedule, defined_at=START + timedelta(seconds=1)),
    ]
    ids = {make_run(one, START).job for one in (schedule, *others)} | {
        make_run(schedule, START + timedelta(days=1)).job
    }
    assert len(ids) == 5


@given(specs)
def test_a_job_is_its_template_with_what_the_run_has(spec: Spec) -> None:
    """Two submissions that differ in nothing else make the same template."""
    spec = msgspec.structs.replace(spec, size=None, submitted_by="bob@host", not_before=None)
    template = make_template(spec)
    assert template == make_template(msgspec.structs.replace(spec, group="1" * 16, submitted_at=START))
    schedule = define(Definition(name="n", rule=HOURLY, template=template), now=START, by="ann")
    job = make_spec(schedule, run := make_run(schedule, START), now=START + timedelta(seconds=5))
    assert (job.group, job.schedule, job.scheduled_at, job.submitted_by) == (run.job, "n", START, "ann")
    assert (job.work, job.env, job.queue, job.retries) == (spec.work, spec.env, spec.queue, spec.retries)
    assert job.name == spec.name or (spec.name is None and job.name == "n")


def test_expires_counts_from_the_planned_time_and_by_hand_from_the_asking() -> None:
    """A backfill of last month does not expire before it starts."""
    schedule = make(expires=timedelta(hours=1))
    later = START + timedelta(days=30)
    assert make_spec(schedule, make_run(schedule, START), now=later).expires_at == START + timedelta(hours=1)
    for kind in ("manual", "backfill"):
        run = msgspec.structs.replace(make_run(schedule, START), kind=kind)
        assert make_spec(schedule, run, now=later).expires_at == later + timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "A b"}, "'A b' can't name a schedule"),
        ({"rule": CronRule("61 * * * *")}, "61"),
        ({"rule": EveryRule(every=timedelta(0), start=START)}, "interval"),
        ({"catch_up": "all"}, "does not say how many"),
        ({"catch_up": "all:0"}, "must be from 1 to 1,000"),
        ({"catch_up": "newest"}, "'newest' is not a catch-up rule"),
        ({"jitter": timedelta(days=2)}, "jitter must be from 0s to 1d"),
        ({"jitter": timedelta(-1)}, "jitter must be from 0s to 1d"),
        ({"expires": timedelta(0)}, "expires must be more than 0s"),
        ({"max_runs": 0}, "number of runs must be from 1"),
        ({"note": "a\nb"}, "can't be a note"),
        ({"job": {"size": 5}}, "not an array"),
        ({"job": {"queue": "A"}}, "'A' can't name a queue"),
        ({"job": {"work": Shell(())}}, "there is no command"),
        ({"job": {"stdin": Stdin(9, digest="a" * 64)}}, "at most 256 KiB of standard input, not 9 bytes"),
        ({"job": {"stdin": Stdin(MAX_STDIN_BYTES + 1, data=b"a" * (MAX_STDIN_BYTES + 1))}}, "at most 256 KiB"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(fields: dict[str, Any], message: str) -> None:
    """The message names what is wrong."""
    with pytest.raises(InvalidInput, match=message.replace("(", r"\(")):
        check_definition(make_definition(**({"rule": HOURLY} | fields)))


def test_a_definition_with_everything_is_accepted() -> None:
    """As much standard input as can be, too."""
    stdin = Stdin(MAX_STDIN_BYTES, data=b"\xff" * MAX_STDIN_BYTES)
    check_definition(make_definition(HOURLY, job={"stdin": stdin}, catch_up="all:1000", jitter=timedelta(days=1)))


def test_a_catch_up_rule_that_is_nearly_right_gets_a_hint() -> None:
    """With a word that may have been meant."""
    with pytest.raises(InvalidInput) as caught:
        parse_catch_up("lastest")
    assert caught.value.hint == "did you mean 'latest'?"


def test_a_snapshot_comes_back_as_it_was_written() -> None:
    """With every kind of entry in its history."""
    run = msgspec.structs.replace(
        make_run(make(), START), state=State.FAILED, reason=Reason.EXIT, started_at=START, finished_at=START
    )
    schedule = msgspec.structs.replace(
        make(until=START, note="why", declared=True, rule=EveryRule(every=timedelta(hours=1), start=START)),
        paused=Pause(since=START, note="holidays"),
        waiting=(make_run(make(), START, missed=True),),
        starting=(Run(planned=START, job="0" * 16, kind="manual"),),
        runs=7,
        history=(
            run,
            Skipped(first=START, last=START, count=1, reason="overlap", at=START, more=True),
            Backfilled(first=START, last=START, submitted=1, existed=2, at=START),
        ),
    )
    assert decode_schedule(encode_schedule(schedule)) == schedule
    assert schedule.open_runs == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the schedule can't be read"),
        (b'{"v": 2, "news": 1}', "the schedule has version 2, this tq reads version 1"),
        (b'{"v": 1}', "missing required field"),
        (b"[" * 1_000_000, "the schedule"),
        (b"0" * 2_000_000, "the schedule is too big"),
    ],
    ids=["nothing", "another version", "half", "deep", "big"],
)
def test_bytes_that_are_no_schedule_are_refused(data: bytes, message: str) -> None:
    """With words for whoever has to mend it."""
    with pytest.raises(CorruptRecord, match=message):
        decode_schedule(data)


def test_an_unknown_field_is_refused() -> None:
    """Another release wrote it; what it means is not guessed."""
    body = msgspec.json.decode(encode_schedule(make()))
    body["definition"]["colour"] = "blue"
    with pytest.raises(CorruptRecord, match="colour"):
        decode_schedule(msgspec.json.encode(body))


def test_a_history_keeps_the_newest() -> None:
    """So a snapshot stays small."""
    schedule = make()
    for number in range(HISTORY_KEPT + 9):
        schedule = add_entries(schedule, [make_run(schedule, START + timedelta(hours=number))])
    assert [one.planned for one in schedule.open_runs] == [
        START + timedelta(hours=number) for number in range(9, HISTORY_KEPT + 9)
    ]
    assert len(encode_schedule(schedule)) < 10_000
    assert datetime(2026, 1, 1, tzinfo=UTC) < schedule.cursor
