"""A schedule file's tables, typed and checked, and the definitions that they make."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import tomli_w

from tqcli.core.jobfile import KEYS
from tqcli.core.options import JobOptions
from tqcli.core.schedules.file import Declared, check_schedulefile
from tqcli.core.schedules.options import ScheduleOptions, Surroundings, build_definition
from tqcli.core.schedules.rule import AtRule, CronRule, EveryRule
from tqcli.core.schedules.table import compare, show_value, to_table
from tqcli.core.spec import Python, Shell, Stdin
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from tqcli.core.schedules.schedule import Definition

NOW = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)


def read(text: str) -> list[Declared]:
    """Return the schedules of a file with this text."""
    return list(check_schedulefile(tomllib.loads(text), "all.toml"))


def build(text: str, *, zone: str = "UTC") -> Definition:
    """Return the definition that the one schedule of a file with this text makes."""
    (declared,) = read(text)
    data = None if declared.stdin_text is None else declared.stdin_text.encode()
    stdin = None if data is None else Stdin(len(data), data=data)
    around = Surroundings(NOW, zone, stdin=stdin, declared=True)
    return build_definition(declared.name, declared.options, declared.job, around)


EVERYTHING = """
    [nightly]
    cron = "30 4 * * mon-fri"
    tz = "Europe/Berlin"
    dst = "skip"
    overlap = "queue"
    catch-up = "all:24"
    jitter = "5m"
    until = 2027-03-01T12:00:00+01:00
    max-runs = 100
    note = "the big one"
    command = ["./backup.sh", "a b"]
    name = "backup"
    queue = "slow"
    priority = "low"
    retries = 3
    backoff = "fixed:10s"
    retry-on = "1,75"
    no-retry-on = "2"
    timeout = "1h30m"
    grace = "1s"
    expires = "2h"
    max-losses = 1
    cwd = "/srv"
    stdin-text = "one\\ntwo"
    env = { LANG = "C" }
"""


def test_every_key_is_read() -> None:
    """Keys are the option names of the command line."""
    definition = build(EVERYTHING)
    assert definition.rule == CronRule("30 4 * * mon-fri", tz="Europe/Berlin", dst="skip")
    assert (definition.overlap, definition.catch_up, definition.jitter) == ("queue", "all:24", timedelta(minutes=5))
    assert definition.until == datetime(2027, 3, 1, 11, tzinfo=UTC)
    assert (definition.max_runs, definition.note, definition.declared) == (100, "the big one", True)
    assert definition.expires == timedelta(hours=2)
    template = definition.template
    assert template.work == Shell(("./backup.sh", "a b"))
    assert (template.name, template.queue, template.priority, template.retries) == ("backup", "slow", "low", 3)
    assert (template.cwd, template.cwd_required, template.env) == ("/srv", True, {"LANG": "C"})
    assert template.stdin == Stdin(7, data=b"one\ntwo")


def test_options_come_in_the_order_of_the_file_and_paused_only_where_it_is_given() -> None:
    """What a file does not say stays as an operator left it."""
    first, second = read('[b]\nevery = "1h"\npaused = false\nfile = "job.toml"\n[a]\nevery = "1h"\nshell = "date"')
    assert (first.name, first.options.paused, first.file, first.source) == ("b", False, "job.toml", "all.toml: [b]")
    assert (second.name, second.options.paused, second.job) == ("a", None, JobOptions(shell="date"))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2027-01-31T17:30:00Z", datetime(2027, 1, 31, 17, 30, tzinfo=UTC)),
        ("2027-01-31T17:30:00", datetime(2027, 1, 31, 8, 30, tzinfo=UTC)),
        ('"2027-01-31 17:30"', datetime(2027, 1, 31, 8, 30, tzinfo=UTC)),
        ("2027-01-31", datetime(2027, 1, 30, 15, tzinfo=UTC)),
    ],
)
def test_times_without_a_zone_are_of_the_schedules(text: str, at: datetime) -> None:
    """Which TOML can say in four ways."""
    assert build(f'[x]\nat = {text}\ntz = "Asia/Tokyo"\nshell = "date"').rule == AtRule(at)
    assert build(f'[x]\nat = {text}\nshell = "date"', zone="Asia/Tokyo").rule == AtRule(at)


def test_time_that_no_clock_shows_is_refused() -> None:
    """In a file, too, nobody guesses what was meant."""
    with pytest.raises(InvalidInput, match="at: there is no time"):
        build('[x]\nat = 2027-03-28T02:30:00\ntz = "Europe/Berlin"\nshell = "date"')


def test_interval_counts_from_now_in_whole_seconds() -> None:
    """Nobody likes to read 12:00:00.000005."""
    rule = build('[x]\nevery = "90s"\nshell = "date"').rule
    assert rule == EveryRule(timedelta(seconds=90), NOW.replace(microsecond=0))


@pytest.mark.parametrize(
    "text",
    [
        EVERYTHING,
        '[x]\nevery = "1h"\npython = "math:hypot"\nargs = [3, { a = 1 }]\nkwargs = { b = [true] }',
        '[x]\nat = 2027-01-01T00:00:00Z\nshell = "date | wc"',
    ],
)
def test_definition_is_written_as_the_table_that_makes_it(text: str) -> None:
    """So what is shown, compared and exported is what was declared."""
    definition = build(text)
    again = build(tomli_w.dumps({definition.name: to_table(definition)}))
    assert again == definition
    assert compare(to_table(definition), to_table(again)) == []


def test_python_job_is_read() -> None:
    """With its arguments."""
    work = build('[x]\nevery = "1h"\npython = "math:hypot"\nargs = [3, 4]').template.work
    assert isinstance(work, Python)
    assert bytes(work.args) == b"[3,4]"


def test_difference_names_each_option_once() -> None:
    """What is new, what is gone and what differs, with the default as a dash."""
    old = to_table(build('[x]\nevery = "1h"\ncommand = ["a", "b c"]\nretries = 2'))
    new = to_table(build('[x]\nevery = "2h"\ncommand = ["a", "b c"]\nenv = { K = "v" }'))
    assert compare(old, new) == [("every", "1h", "2h"), ("retries", "2", "-"), ("env", "-", "K=v")]


def test_values_are_shown_on_one_line() -> None:
    """As a user would write them."""
    values = [True, ["a", "b c"], {"K": "v", "L": "w"}, [1, "x"], {"k": 1}, datetime(2027, 1, 1, tzinfo=UTC), 3]
    shown = ["true", "a 'b c'", "K=v, L=w", '[1,"x"]', '{"k":1}', "2027-01-01T00:00:00Z", "3"]
    assert [show_value(value) for value in values] == shown


WRONG = {
    'cron = "* * * * *"': "'cron' is a string, not a table",
    '["a b"]\nevery = "1h"': "[a b]: 'a b' can't name a schedule",
    '[x]\ncorn = "1 * * * *"': "[x]: there is no option 'corn'",
    '[x]\nkey = "k"': "[x]: there is no option 'key'",
    '[x]\narray = "1-3"': "[x]: there is no option 'array'",
    '[x]\ncron = "61 * * * *"': "[x]: cron: the cron expression '61 * * * *', the minute field",
    "[x]\ncron = 5": "[x]: cron: a string is needed, not a number",
    '[x]\ntz = "Europe/Berln"': "[x]: tz: there is no time zone 'Europe/Berln'",
    '[x]\nevery = "often"': "[x]: every: 'often' is not a duration",
    '[x]\nat = "tomorrow 9:00"': "[x]: at: 'tomorrow 9:00' is not a date and time",
    "[x]\nat = 17:30:00": "[x]: at: a string is needed, not a date or time",
    '[x]\noverlap = "kip"': "[x]: overlap: 'kip' is not an overlap rule",
    '[x]\ncatch-up = "all"': "[x]: catch-up: the catch-up rule 'all' does not say how many",
    '[x]\ndst = "twice"': "[x]: dst: 'twice' is not a daylight-saving rule",
    "[x]\nmax-runs = 0": "[x]: max-runs: the number of runs",
    '[x]\npaused = "yes"': "[x]: paused: true or false is needed, not a string",
    '[x]\nnote = "a\\nb"': "[x]: note: ",
    '[x]\nretries = "3"': "[x]: retries: a whole number is needed, not a string",
    '[x]\nstdin = "f"\nstdin-text = "t"': "[x]: stdin and stdin-text both say what it reads",
    '[x]\nshell = "a"\ncommand = ["b"]': "[x]: a job runs one thing, not",
}


@pytest.mark.parametrize("text", WRONG)
def test_mistake_names_file_table_and_key(text: str) -> None:
    """And what to do about it."""
    with pytest.raises(InvalidInput) as refused:
        read(text)
    assert refused.value.message.startswith("all.toml: ")
    assert WRONG[text] in refused.value.message
    if text != '[x]\nnote = "a\\nb"':
        assert refused.value.hint or "number of runs" in refused.value.message


def test_unknown_key_has_a_near_one() -> None:
    """Of the schedule's and of the job's."""
    for wrong, near in {"cathc-up": "catch-up", "retires": "retries", "stdin_text": "stdin-text"}.items():
        with pytest.raises(InvalidInput) as refused:
            read(f'[x]\n{wrong} = "1"')
        assert refused.value.hint == f"did you mean {near!r}?"


@pytest.mark.parametrize(
    ("options", "job", "message"),
    [
        ({}, {}, "nothing says when it runs"),
        ({"cron": "* * * * *", "every": timedelta(hours=1)}, {}, "a schedule has one rule, not cron and every"),
        ({"every": timedelta(hours=1), "dst": "skip"}, {}, "dst says what a cron expression does"),
        ({"every": timedelta(hours=1), "tz": "UTC"}, {}, "an interval goes by real time"),
        ({"every": timedelta(milliseconds=999)}, {}, "the interval is 999ms, less than a second"),
        ({"every": timedelta(hours=1), "jitter": timedelta(days=2)}, {}, "the jitter"),
        ({"every": timedelta(hours=1)}, {"key": "k"}, "a schedule's job has no key"),
        ({"every": timedelta(hours=1)}, {"array": "1-3"}, "a schedule's job has no array"),
        ({"every": timedelta(hours=1)}, {"expires": timedelta(0)}, "expires"),
    ],
)
def test_options_that_make_no_schedule_are_refused(
    options: dict[str, object], job: dict[str, object], message: str
) -> None:
    """Each with what is wrong."""
    with pytest.raises(InvalidInput) as refused:
        build_definition(
            "x",
            ScheduleOptions(**options),  # type: ignore[arg-type] # as a user gives them
            JobOptions(shell="date", **job),  # type: ignore[arg-type] # as above
            Surroundings(NOW, "UTC"),
        )
    assert message in refused.value.message


@pytest.mark.parametrize("key", sorted(set(KEYS) - {"array", "key", "in", "at"}))
def test_all_options_of_a_job_but_those_of_one_submission_are_there(key: str) -> None:
    """A new option of a job file is one of a schedule file, too, unless it says here that it is none."""
    with pytest.raises(InvalidInput, match=rf"\[x\]: {key}: "):
        read(f"[x]\n{key} = 1979-05-27")
