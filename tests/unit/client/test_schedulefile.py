"""Schedule files on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tqcli.client.schedulefile import load_schedules
from tqcli.core.schedules.rule import CronRule
from tqcli.core.schedules.schedule import MAX_STDIN_BYTES
from tqcli.core.spec import Python, Shell, Stdin
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from tqcli.core.schedules.applying import Wanted

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def load(path: Path) -> list[Wanted]:
    """Return the schedules that a file or folder declares."""
    return load_schedules(path, now=NOW)


def write(path: Path, text: str) -> Path:
    """Return the file with this text."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def refuse(path: Path) -> InvalidInput:
    """Return why a file or folder is refused."""
    with pytest.raises(InvalidInput) as refused:
        load(path)
    return refused.value


def test_folder_is_its_toml_files_in_order(tmp_path: Path) -> None:
    """Nothing else in it, and nothing below it."""
    write(tmp_path / "b.toml", '[two]\nevery = "1h"\nshell = "date"')
    write(tmp_path / "a.toml", '[one]\nevery = "1h"\nshell = "date"\npaused = true')
    write(tmp_path / "notes.txt", "nothing")
    write(tmp_path / "below" / "c.toml", "nothing")
    assert [(one.definition.name, one.paused) for one in load(tmp_path)] == [("one", True), ("two", None)]


def test_same_name_twice_is_told_with_both_files(tmp_path: Path) -> None:
    """Which of them was meant, nobody knows."""
    first = write(tmp_path / "a.toml", '[x]\nevery = "1h"\nshell = "date"')
    second = write(tmp_path / "b.toml", '[x]\nevery = "2h"\nshell = "date"')
    assert refuse(tmp_path).message == f"{second}: [x] is declared already, in {first}: [x]"


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is applied from."""
    write(tmp_path / "in.txt", "words")
    file = write(tmp_path / "s.toml", '[x]\nevery = "1h"\nshell = "cat"\nstdin = "in.txt"\ncwd = "work"')
    monkeypatch.chdir("/")
    (wanted,) = load(file)
    template = wanted.definition.template
    assert template.stdin == Stdin(5, data=b"words")
    assert (template.cwd, template.cwd_required) == (str(tmp_path / "work"), True)


def test_directory_of_whoever_applies_it_is_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applied from anywhere, it is the same."""
    file = write(tmp_path / "s.toml", '[x]\nevery = "1h"\nshell = "date"')
    found = load(file)
    monkeypatch.chdir("/")
    assert load(file) == found
    assert found[0].definition.template.cwd is None


def test_job_file_is_taken_and_the_table_wins(tmp_path: Path) -> None:
    """Its paths are relative to it."""
    write(
        tmp_path / "jobs" / "job.toml",
        'python = "m:f"\nname = "job"\nretries = 1\ncwd = "here"\nkwargs = { a = 1, b = 2 }',
    )
    file = write(tmp_path / "s.toml", '[x]\nevery = "1h"\nfile = "jobs/job.toml"\nretries = 5\nkwargs = { b = 3 }')
    template = load(file)[0].definition.template
    assert isinstance(template.work, Python)
    assert bytes(template.work.kwargs) == b'{"a":1,"b":3}'
    assert (template.name, template.retries, template.cwd) == ("job", 5, str(tmp_path / "jobs" / "here"))


def test_zone_is_that_of_the_machine_where_the_file_names_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the command line."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    file = write(
        tmp_path / "s.toml", '[x]\ncron = "@daily"\nshell = "date"\n[y]\ncron = "@daily"\ntz = "UTC"\nshell = "date"'
    )
    rules = [one.definition.rule for one in load(file)]
    assert rules == [CronRule("@daily", tz="Asia/Tokyo"), CronRule("@daily", tz="UTC")]


def test_interval_needs_no_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a machine whose zone has no name may have one."""
    monkeypatch.setenv("TZ", "CET-1CEST")
    assert len(load(write(tmp_path / "s.toml", '[x]\nevery = "1h"\nshell = "date"'))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[x]\nevery = "1h"', "[x]: nothing says what to run"),
        ('[x]\nevery = "1h"\nfile = "none.toml"', "[x]: the job file"),
        ('[x]\nevery = "1h"\nshell = "cat"\nstdin = "none"', "[x]: stdin: "),
        ('[x]\nevery = "1h"\nshell = "cat"\nstdin = "-"', "[x]: stdin: a file is needed, not '-'"),
        ('[x]\nshell = "cat"', "[x]: nothing says when it runs"),
        ("[x", "is not TOML"),
        ('[x]\nevery = "1h"\nfile = "with_key.toml"', "[x]: a schedule's job has no key"),
    ],
)
def test_mistake_is_told_with_the_file(tmp_path: Path, text: str, message: str) -> None:
    """And the table."""
    write(tmp_path / "with_key.toml", 'shell = "date"\nkey = "k"')
    told = refuse(write(tmp_path / "s.toml", text))
    assert f"{tmp_path / 's.toml'}" in told.message
    assert message in told.message
    assert told.hint


def test_file_that_is_not_there_or_no_file_is_told(tmp_path: Path) -> None:
    """An empty folder is a mistake: with --prune, it would remove everything."""
    assert "No such file" in refuse(tmp_path / "none.toml").message
    assert "no file in" in refuse(tmp_path).message
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    assert "is not TOML" in refuse(tmp_path).message


def test_what_the_job_reads_has_a_limit(tmp_path: Path) -> None:
    """All of it is kept in the schedule."""
    (tmp_path / "large").write_bytes(b"x" * (MAX_STDIN_BYTES + 1))
    told = refuse(write(tmp_path / "s.toml", '[x]\nevery = "1h"\nshell = "cat"\nstdin = "large"'))
    assert "is larger than" in told.message


def test_command_is_a_list_of_words(tmp_path: Path) -> None:
    """As in a job file."""
    (wanted,) = load(write(tmp_path / "s.toml", '[x]\nevery = "1h"\ncommand = ["a", "b c"]'))
    assert wanted.definition.template.work == Shell(("a", "b c"))
