"""Options and input made into specs, before anything is sent."""

from __future__ import annotations

import os
import shlex
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.client.build import INLINE_BYTES, MAX_STDIN_BYTES, Submission, build_submission
from tqcli.client.lines import Lines
from tqcli.client.origin import Origin, derive_group_id, load_origin
from tqcli.client.source import read_source, split_lines
from tqcli.core.check import check_spec
from tqcli.core.codec import MAX_SPEC_BYTES, decode_spec, encode_spec
from tqcli.core.ids import is_group_id
from tqcli.core.options import JobOptions
from tqcli.core.spec import Python, Shell
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def origin() -> Origin:
    """Return where a submission comes from."""
    return load_origin()


def build(origin: Origin, *, each_line: str | None = None, **options: Any) -> Submission:
    """Return the submission of these options."""
    return build_submission(JobOptions(**options), origin, each_line=each_line)


def test_one_job_is_a_group_of_one(origin: Origin) -> None:
    """Its id is its group's, and it says who wanted it where."""
    (spec,) = build(origin, command=("echo", "hi")).specs
    assert (spec.group, spec.index, spec.size, spec.cwd) == (origin.group, 0, None, os.getcwd())  # noqa: PTH109
    assert spec.work == Shell(("echo", "hi"))
    assert spec.submitted_by is not None


def test_array_has_its_indexes(origin: Origin) -> None:
    """By index, by slice and from the end, as any sequence."""
    specs = build(origin, command=("true",), array="5-11:3").specs
    assert [spec.index for spec in specs] == [5, 8, 11]
    assert [spec.index for spec in specs[1:]] == [8, 11]
    assert (specs[-1].index, specs[0].size, len(specs)) == (11, 3, 3)
    with pytest.raises(IndexError):
        specs[3]


def test_python_array_is_one_function(origin: Origin) -> None:
    """An array is of whatever a job can be."""
    specs = build(origin, python="math:sqrt", array="1-2").specs
    assert [spec.work for spec in specs] == [Python("math:sqrt")] * 2


def test_each_line_is_a_job(origin: Origin, tmp_path: Path) -> None:
    """In the order of the lines, numbered from 1; blank lines are none, blanks within a line stay."""
    (tmp_path / "list").write_bytes(b"a b\n\n  \nc\r\n  d")
    specs = build(origin, command=("cp", "{}", "x/{}"), each_line=str(tmp_path / "list")).specs
    assert [spec.index for spec in specs] == [1, 2, 3]
    works = [spec.work for spec in specs]
    assert works == [Shell(("cp", line, f"x/{line}")) for line in ("a b", "c\r", "  d")]
    assert [spec.work for spec in specs[1:]] == works[1:]


@pytest.mark.parametrize(
    ("options", "work"),
    [
        ({"command": ("x", "-v")}, Shell(("x", "-v", "a b"))),
        ({"shell": "x | y"}, Shell(("x | y 'a b'",), line=True)),
    ],
)
def test_line_without_a_place_comes_last(origin: Origin, tmp_path: Path, options: dict[str, Any], work: Shell) -> None:
    """As for `xargs` and `parallel`."""
    (tmp_path / "list").write_text("a b\n")
    assert [spec.work for spec in build(origin, each_line=str(tmp_path / "list"), **options).specs] == [work]


def test_line_without_a_command_is_one(origin: Origin, tmp_path: Path) -> None:
    """As for `xargs` in `sh -c`."""
    (tmp_path / "list").write_text("echo 1; echo 2\n")
    (spec,) = build(origin, each_line=str(tmp_path / "list")).specs
    assert spec.work == Shell(("echo 1; echo 2",), line=True)


def test_line_in_a_shell_line_stays_one_word(origin: Origin, tmp_path: Path) -> None:
    """A file's name runs no commands."""
    (tmp_path / "list").write_text("a; rm -rf '$HOME'\nplain.txt\n")
    specs = build(origin, shell="wc -l < {}", each_line=str(tmp_path / "list")).specs
    assert [spec.work for spec in specs] == [
        Shell(("wc -l < 'a; rm -rf '\"'\"'$HOME'\"'\"''",), line=True),
        Shell(("wc -l < plain.txt",), line=True),
    ]


@given(line=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n"), min_size=1))
def test_quoting_is_that_of_a_shell(line: str) -> None:
    """What a shell makes of the word is the line."""
    (word,) = Lines([line], None, "{}").fill(line).argv
    assert shlex.split(word) == [line]


def test_lines_that_pass_make_jobs_that_pass(origin: Origin, tmp_path: Path) -> None:
    """The first is checked for all of them: here each is."""
    (tmp_path / "list").write_text("a\n'\"\\\n\x1b[31m\nü\n \u2028x\n")
    for options in ({"command": ("x", "-{}")}, {"shell": "x {}"}, {}):
        for spec in build(origin, each_line=str(tmp_path / "list"), **options).specs:
            check_spec(spec)
            assert decode_spec(encode_spec(spec)) == spec


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ok\nbad\xff\n", "line 2 is not valid UTF-8"),
        (b"a\0b\0", "line 1 contains a NUL byte"),
        (b"\n \n", "there is no line"),
        (b"", "there is no line"),
    ],
)
def test_bad_lines_are_refused_by_number(origin: Origin, tmp_path: Path, data: bytes, message: str) -> None:
    """Binary input, `find -print0`, nothing at all."""
    (tmp_path / "list").write_bytes(data)
    with pytest.raises(InvalidInput, match=message) as caught:
        build(origin, command=("x",), each_line=str(tmp_path / "list"))
    assert caught.value.hint


def test_line_too_long_for_a_job_is_named(origin: Origin, tmp_path: Path) -> None:
    """Before the first is sent, and only where the size is real: escapes count."""
    (tmp_path / "list").write_text("short\n" + "x" * (MAX_SPEC_BYTES // 2) + "\n")
    assert len(build(origin, command=("x",), each_line=str(tmp_path / "list")).specs) == 2
    with pytest.raises(InvalidInput, match="--each-line: job 2: the job is too big"):
        build(origin, command=("x", "{}", "{}"), each_line=str(tmp_path / "list"))
    (tmp_path / "list").write_text("\x1b" * (MAX_SPEC_BYTES // 5))
    with pytest.raises(InvalidInput, match="job 1: the job is too big"):
        build(origin, command=("x",), each_line=str(tmp_path / "list"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": ("x",), "array": "1-3"}, "--each-line and --array"),
        ({"python": "math:sqrt"}, "makes commands, not Python calls"),
        ({"command": ("x",), "stdin": "-"}, "can't both read standard input"),
    ],
)
def test_each_line_has_no_rival(origin: Origin, options: dict[str, Any], message: str) -> None:
    """Two answers to one question are an error, not a choice."""
    with pytest.raises(InvalidInput, match=message):
        build(origin, each_line="-", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "there is no command"),
        ({"command": ("a\0b",)}, "contains a NUL byte"),
        ({"command": ("a\udcff",)}, "not valid UTF-8"),
        ({"command": ("x" * MAX_SPEC_BYTES,)}, "the job is too big"),
        ({"command": ("x",), "env": {"A": "x" * 2 * 1024 * 1024}}, "the environment is too big"),
        ({"command": ("x",), "queue": "a.b"}, "can't name a queue"),
        ({"command": ("x",), "queue": "x" * 10_000}, "can't name a queue"),
        ({"command": ("x",), "array": "3-1"}, "ends before it starts"),
    ],
)
def test_bad_options_never_become_a_spec(origin: Origin, options: dict[str, Any], message: str) -> None:
    """Binary arguments, 2 MiB of environment, names that are none."""
    with pytest.raises(InvalidInput, match=message):
        build(origin, **options)


def test_short_stdin_travels_in_the_spec(origin: Origin, tmp_path: Path) -> None:
    """Nothing has to be stored for it."""
    (tmp_path / "in").write_bytes(b"\xff\0data")
    (spec,), payload, _ = build(origin, command=("cat",), stdin=str(tmp_path / "in"))
    assert spec.stdin is not None
    assert (spec.stdin.data, spec.stdin.size, payload) == (b"\xff\0data", 6, None)


@pytest.mark.parametrize(("size", "array"), [(INLINE_BYTES + 1, None), (INLINE_BYTES // 10 + 1, "1-10")])
def test_long_stdin_is_stored_once(origin: Origin, tmp_path: Path, size: int, array: str | None) -> None:
    """Also where it is long because a whole group has it."""
    (tmp_path / "in").write_bytes(b"x" * size)
    specs, payload, _ = build(origin, command=("cat",), stdin=str(tmp_path / "in"), array=array)
    digest = sha256(b"x" * size).hexdigest()
    assert payload == b"x" * size
    assert all(spec.stdin and (spec.stdin.digest, spec.stdin.data) == (digest, None) for spec in specs)


def test_dash_is_standard_input(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for `cat`."""
    (tmp_path / "in").write_bytes(b"hello")
    with (tmp_path / "in").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        (spec,), _, _ = build(origin, command=("cat",), stdin="-")
    assert spec.stdin is not None
    assert spec.stdin.data == b"hello"


def test_too_much_input_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    """A sparse file of a tebibyte takes no memory."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InvalidInput, match="is larger than 64M"):
        read_source(str(tmp_path / "huge"), option="--stdin", max_bytes=MAX_STDIN_BYTES)


@pytest.mark.parametrize(
    ("source", "message"),
    [("nowhere", "can't be read: No such file"), (".", "can't be read: Is a directory"), ("a\0b", "is no file's name")],
)
def test_source_that_is_none_is_refused(source: str, message: str) -> None:
    """Each says which option and which file."""
    with pytest.raises(InvalidInput, match=f"^--stdin: .*{message}"):
        read_source(source, option="--stdin", max_bytes=10)


def test_closed_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`tq submit --stdin - <&-`."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InvalidInput, match="--stdin: standard input is closed"):
        read_source("-", option="--stdin", max_bytes=10)


def test_only_newlines_end_lines() -> None:
    """Not the other characters that Python's `splitlines` takes for line ends."""
    text = "a\x0bb\x1cc\u2028d\re"
    assert list(split_lines(f"{text}\nf".encode(), option="--each-line")) == [text, "f"]


def test_key_always_has_its_id() -> None:
    """From whatever machine it is tried."""
    first, second = load_origin("nightly"), load_origin("nightly")
    assert first.group == second.group == derive_group_id("nightly")
    assert is_group_id(first.group)
    assert load_origin("hourly").group != first.group
    assert load_origin().group != load_origin().group


def test_key_is_text_that_prints() -> None:
    """So that a message can name it."""
    with pytest.raises(InvalidInput, match="can't be a key"):
        load_origin("")
