"""A job file's table, typed and checked."""

from __future__ import annotations

import tomllib
from datetime import timedelta

import msgspec
import pytest

from tqcli.core.jobfile import check_jobfile, parse_includes
from tqcli.core.options import JobOptions
from tqcli.errors import InvalidInput


def read(text: str) -> JobOptions:
    """Return the options of a file with this text."""
    return check_jobfile(tomllib.loads(text), "job.toml")


def test_every_key_is_read() -> None:
    """Keys are the option names of the command line."""
    text = """
        include = "base.toml"
        python = "reports:make"
        args = ["x", 2]
        kwargs = { deep = { k = true } }
        name = "nightly report"
        queue = "slow"
        priority = "low"
        retries = 3
        backoff = "fixed:10s"
        retry-on = "1,75"
        no-retry-on = "2"
        timeout = "5m"
        grace = "1s"
        expires = "2d"
        in = "1h"
        at = "tomorrow 9:00"
        cwd = "data"
        stdin = "in.csv"
        max-losses = 1
        isolation = "fresh"
        array = "1-10:2"
        key = "report of today"
        [env]
        LANG = "C"
    """
    assert read(text) == JobOptions(
        python="reports:make",
        args=msgspec.Raw(b'["x",2]'),
        kwargs=msgspec.Raw(b'{"deep":{"k":true}}'),
        name="nightly report",
        queue="slow",
        priority="low",
        retries=3,
        backoff="fixed:10s",
        retry_on="1,75",
        no_retry_on="2",
        timeout=timedelta(minutes=5),
        grace=timedelta(seconds=1),
        expires=timedelta(days=2),
        in_=timedelta(hours=1),
        at="tomorrow 9:00",
        cwd="data",
        stdin="in.csv",
        max_losses=1,
        isolation="fresh",
        array="1-10:2",
        key="report of today",
        env={"LANG": "C"},
    )
    assert read('command = ["echo", ""]') == JobOptions(command=("echo", ""))
    assert read('shell = "a | b"') == JobOptions(shell="a | b")
    assert read("at = 2026-12-01T17:30:00Z") == JobOptions(at="2026-12-01T17:30:00+00:00")
    assert read("at = 17:30:00") == JobOptions(at="17:30:00")
    assert read("") == JobOptions()


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ('comand = ["x"]', "there is no option 'comand'", "did you mean 'command'?"),
        ("retry_on = '1'", "there is no option 'retry_on'", "did you mean 'retry-on'?"),
        ("zzz = 1", "there is no option 'zzz'", "known are: include, command"),
        ('"\\u001b[31m" = 1', "there is no option", "known are"),
        ('command = "echo hi"', "command: an array of strings is needed, not a string", "shell ="),
        ("command = []", "command: an array of strings is needed", "command ="),
        ('command = ["a", 1]', "command: an array of strings is needed", "command ="),
        ("shell = 1", "shell: a string is needed, not a number", "quotes"),
        ('python = "a"', "python: 'a' does not name a Python function", "module:function"),
        ("args = [1, {x = [nan]}]", "args: nan and inf have no place in JSON", "nan"),
        ("kwargs = {x = -inf}", "kwargs: nan and inf have no place in JSON", "nan"),
        ("args = {}", "args: an array is needed, not a table", "args ="),
        ("kwargs = []", "kwargs: a table is needed, not an array", "kwargs ="),
        ("retries = true", "retries: a whole number is needed, not true or false", "without quotes"),
        ("retries = '3'", "retries: a whole number is needed, not a string", "without quotes"),
        ("retries = -1", "retries: the number of retries must be from 0", None),
        ("max-losses = 1.5", "max-losses: a whole number is needed, not a number with a fraction", "without"),
        ("timeout = 90", "timeout: the duration '90' has no unit", "90s"),
        ("timeout = 12:00:00", "timeout: a whole number is needed, not a date or time", ""),
        ("at = 1730", "at: a time is needed, not a number", "17:30"),
        ("in = '5'", "in: the duration '5' has no unit", "5s"),
        ("isolation = 'frsh'", "isolation: 'frsh' is not a kind of isolation", "did you mean 'fresh'?"),
        ("priority = 'hgih'", "priority: 'hgih' is not a priority", "did you mean 'high'?"),
        ("queue = 'a.b'", "queue: 'a.b' can't name a queue", "a-z"),
        ("backoff = 'x'", "backoff: 'x' is not a backoff", "exp:"),
        ("array = '1'", "array: '1' is not an array", "1-100"),
        ("env = 1", "env: a table is needed, not a number", "[env]"),
        ("env = { A = 1 }", "env: 'A': a string is needed, not a number", "quotes"),
        ("env = { TQ_X = '' }", "env: the environment variable 'TQ_X' is reserved", "TQ_"),
        ("shell = 'a'\ncommand = ['b']", "a job runs one thing, not command and shell", "keep one"),
    ],
)
def test_mistake_is_shown_with_file_and_key(text: str, says: str, hint: str | None) -> None:
    """The message names the file and the key, the hint what to write."""
    with pytest.raises(InvalidInput) as caught:
        read(text)
    assert caught.value.message.startswith("job.toml: ")
    assert says in caught.value.message
    assert caught.value.message.isprintable()
    assert (caught.value.hint is None) if hint is None else (hint in (caught.value.hint or ""))


@pytest.mark.parametrize(
    ("text", "paths"),
    [("", ()), ('include = "a.toml"', ("a.toml",)), ('include = ["a.toml", "b.toml"]', ("a.toml", "b.toml"))],
)
def test_includes_are_one_or_several(text: str, paths: tuple[str, ...]) -> None:
    """A string is a list of one."""
    assert parse_includes(tomllib.loads(text), "job.toml") == paths


@pytest.mark.parametrize(
    "text", ["include = 1", "include = [1]", 'include = ""', 'include = "\\u0000"', "include = {}"]
)
def test_include_of_nothing_is_refused(text: str) -> None:
    """The message names the file and the key."""
    with pytest.raises(InvalidInput, match=r"job\.toml: include: "):
        parse_includes(tomllib.loads(text), "job.toml")
