"""Job files on disk."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tqcli.client.jobfile import load_jobfile
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path


def write(directory: Path, **files: str) -> None:
    """Write `<name>.toml` files."""
    for name, text in files.items():
        (directory / f"{name}.toml").write_text(text)


def test_file_wins_over_its_includes_and_a_later_include_over_an_earlier(tmp_path: Path) -> None:
    """Each option comes from the file nearest to the job."""
    write(
        tmp_path,
        job='include = ["one.toml", "two.toml"]\nshell = "mine"\n[env]\nA = "job"',
        one='command = ["one"]\nqueue = "one"\ntimeout = "1s"\n[env]\nA = "one"\nB = "one"',
        two='include = "three.toml"\nqueue = "two"\n[env]\nB = "two"',
        three='queue = "three"\nretries = 3',
    )
    options = load_jobfile(tmp_path / "job.toml")
    assert (options.shell, options.command) == ("mine", None)
    assert (options.queue, options.retries, options.timeout) == ("two", 3, timedelta(seconds=1))
    assert options.env == {"A": "job", "B": "two"}


def test_paths_are_relative_to_the_file_that_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job file works from any directory."""
    (tmp_path / "base").mkdir()
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path, job='include = "base/base.toml"\nstdin = "in.csv"\nshell = "x"')
    write(tmp_path / "base", base='cwd = "data"')
    monkeypatch.chdir(tmp_path / "elsewhere")
    options = load_jobfile(tmp_path / "job.toml")
    assert options.cwd == str(tmp_path / "base" / "data")
    assert options.stdin == str(tmp_path / "in.csv")
    monkeypatch.chdir(tmp_path)
    assert load_jobfile((tmp_path / "job.toml").relative_to(tmp_path)) == options


def test_absolute_paths_and_a_dash_stay(tmp_path: Path) -> None:
    """`-` is the submitter's own stdin."""
    write(tmp_path, job='shell = "x"\ncwd = "/data"\nstdin = "-"')
    options = load_jobfile(tmp_path / "job.toml")
    assert (options.cwd, options.stdin) == ("/data", "-")


def test_circle_of_includes_is_shown_as_a_chain(tmp_path: Path) -> None:
    """Only the circle is in the chain, and the hint names the file to mend."""
    write(tmp_path, job='include = "a.toml"', a='include = "b.toml"', b='include = "a.toml"')
    with pytest.raises(InvalidInput) as caught:
        load_jobfile(tmp_path / "job.toml")
    assert caught.value.message == "job files include each other in a circle: a.toml → b.toml → a.toml"
    assert caught.value.hint == f"take the include out of {tmp_path / 'b.toml'}"


def test_file_that_includes_itself_under_another_name_is_a_circle(tmp_path: Path) -> None:
    """A symbolic link hides nothing."""
    write(tmp_path, job='include = "alias.toml"')
    (tmp_path / "alias.toml").symlink_to("job.toml")
    with pytest.raises(InvalidInput, match=r"circle: job\.toml → alias\.toml"):
        load_jobfile(tmp_path / "job.toml")


def test_same_include_twice_is_no_circle(tmp_path: Path) -> None:
    """Two files may share a base."""
    write(
        tmp_path,
        job='include = ["a.toml", "b.toml"]\nshell = "x"',
        a='include = "base.toml"',
        b='include = "base.toml"',
        base="retries = 1",
    )
    assert load_jobfile(tmp_path / "job.toml").retries == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("shell = x", "is not TOML"),
        ("shell = 'x'\nshell = 'y'", "is not TOML"),
        ("x = " + "[" * 100_000, "is not TOML"),
        ("# " + "x" * (1 << 20), "is larger than 1,048,576 bytes"),
        ('include = "none.toml"', "(included by {file}) can't be read: No such file or directory"),
        ('include = "."', "can't be read: Is a directory"),
        ("tiemout = '5m'", "{file}: there is no option 'tiemout'"),
    ],
)
def test_bad_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    """The message says which file is wrong, and where it was included."""
    write(tmp_path, job=text)
    with pytest.raises(InvalidInput) as caught:
        load_jobfile(tmp_path / "job.toml")
    assert says.format(file=tmp_path / "job.toml") in caught.value.message


def test_file_of_bytes_is_no_toml(tmp_path: Path) -> None:
    """A program given by mistake is refused as what it is."""
    (tmp_path / "job.toml").write_bytes(b"\x7fELF\xff\xfe")
    with pytest.raises(InvalidInput, match="is not TOML"):
        load_jobfile(tmp_path / "job.toml")


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    """A file that leads to itself can't be read."""
    (tmp_path / "a.toml").symlink_to("b.toml")
    (tmp_path / "b.toml").symlink_to("a.toml")
    with pytest.raises(InvalidInput, match="can't be read"):
        load_jobfile(tmp_path / "a.toml")
