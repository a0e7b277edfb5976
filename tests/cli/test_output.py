"""What is written, and how it is drawn."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.cli.output import Output
from tqcli.cli.progress import draw_progress, show_progress
from tqcli.cli.table import Column, draw_table, measure, shorten
from tqcli.errors import NotFound

if TYPE_CHECKING:
    from tests.support.tq import Tq

COLUMNS = [Column("ID"), Column("NAME", shrinks=True), Column("TRIES", number=True), Column("COMMAND", shrinks=True)]


class _Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def watch_stderr(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """Return what is written to stderr from now on, which is a terminal."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", _Terminal(written, write_through=True))
    monkeypatch.setenv("TERM", "xterm")
    return written


def test_data_goes_to_stdout_as_it_is(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Bytes stay bytes, and a file name that is no text is printed as it was given."""
    output = Output()
    output.write(b"\xff\x00\n")
    output.line("a\udcffb")
    output.write_error(b"\xfe")
    assert capfdbinary.readouterr() == (b"\xff\x00\na\xffb\n", b"\xfe")


def test_notes_go_to_stderr_unless_json_is_wanted(capfd: pytest.CaptureFixture[str]) -> None:
    """A script that reads JSON gets nothing else."""
    Output().note("look")
    Output(json=True).note("look")
    assert capfd.readouterr() == ("", "look\n")


def test_documents_are_lines(capfd: pytest.CaptureFixture[str]) -> None:
    """One each."""
    output = Output(json=True)
    output.document({"a": "x\ny"})
    output.document([1])
    assert [json.loads(line) for line in capfd.readouterr().out.splitlines()] == [{"a": "x\ny"}, [1]]


def test_errors_have_a_line_for_what_and_one_for_what_next(capfd: pytest.CaptureFixture[str]) -> None:
    """Understandable without colour."""
    Output().error(NotFound("there is no job 'x'", hint="`tq ls` lists them"))
    Output(json=True).error(NotFound("there is no job 'x'"))
    text, document = capfd.readouterr().err.rsplit("\n", 2)[:2]
    assert text == "error: there is no job 'x'\nhint: `tq ls` lists them"
    assert json.loads(document) == {"error": "there is no job 'x'", "hint": None, "exit_code": 3}


def test_table_is_aligned() -> None:
    """Numbers to the right, all else to the left, nothing after the last column."""
    rows = [["1", "one", "10", "true"], ["22", "two words", "9", "sh -c x"]]
    assert draw_table(COLUMNS, rows, width=None) == [
        "ID  NAME       TRIES  COMMAND",
        "1   one           10  true",
        "22  two words      9  sh -c x",
    ]


def test_table_shrinks_where_it_may() -> None:
    """The widest of the columns that may gives way first; ids stay whole."""
    rows = [["1xkbbg00a7c3k9mf", "a name of some length", "1", "find / -name '*.py' -newer reference -print"]]
    lines = draw_table(COLUMNS, rows, width=60)
    assert max(map(measure, lines)) <= 60
    assert lines[1] == "1xkbbg00a7c3k9mf  a name of some …      1  find / -name '*.…"


@given(st.lists(st.lists(st.text(), min_size=4, max_size=4), max_size=5))
def test_table_has_a_line_for_each_row_whatever_is_in_it(rows: list[list[str]]) -> None:
    """A job's name can't break the line, colour it, or move the cursor."""
    lines = draw_table(COLUMNS, rows, width=80)
    assert len(lines) == len(rows) + 1
    assert all(char.isprintable() for line in lines for char in line)


def test_colours_take_no_room() -> None:
    """And are not counted when a column is aligned."""
    rows = [["\x1b[31mred\x1b[0m", "x", "1", "y"], ["plain", "x", "1", "y"]]
    _, first, second = draw_table(COLUMNS, rows, width=None)
    assert first == "\x1b[31mred\x1b[0m    x         1  y"
    assert measure(first) == measure(second)


@given(st.text(), st.integers(1, 40))
def test_shortened_text_fits(text: str, width: int) -> None:
    """Also with wide characters."""
    assert measure(shorten(text, width)) <= width


@pytest.mark.parametrize(
    ("env", "styled"), [({}, "\x1b[1;31mx\x1b[0m"), ({"NO_COLOR": "1"}, "x"), ({"TERM": "dumb"}, "x")]
)
def test_colour_needs_a_terminal_that_may(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], styled: str) -> None:
    """And never says what the words don't."""
    monkeypatch.setattr(sys, "stdout", _Terminal(io.BytesIO()))
    for name, value in {"TERM": "xterm", "NO_COLOR": "", **env}.items():
        monkeypatch.setenv(name, value)
    assert Output().paint("x", "bold", "red") == styled


def test_progress_tells_counts_speed_and_the_time_left() -> None:
    """The speed is that since we look: what was done before says nothing about it."""
    line = draw_progress("submitting", 5_000, 20_000, fresh=3_000, elapsed_s=2, note="1 failed")
    assert line == "submitting ━━━━━━────────────────── 5,000/20,000 25% 1,500/s 10s left 1 failed"
    assert draw_progress("waiting", 0, 10, fresh=0, elapsed_s=5).endswith("─ 0/10 0%")
    assert draw_progress("waiting", 10, 10, fresh=10, elapsed_s=5).endswith("━ 10/10 100% 2.0/s")


def test_progress_is_drawn_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves the line empty."""
    screen = watch_stderr(monkeypatch)
    with show_progress(Output(), "waiting") as progress:
        progress.update(1, 4)
        progress.update(4, 4)
    text = screen.getvalue().decode()
    assert "1/4 25%" in text
    assert "4/4 100%" in text
    assert text.endswith("\r\x1b[K")


def test_progress_counts_speed_from_the_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """What had been done by then says nothing about it."""
    screen = watch_stderr(monkeypatch)
    monkeypatch.setattr("tqcli.cli.progress.time", SimpleNamespace(monotonic=iter([5.0, 7.0]).__next__))
    with show_progress(Output(), "waiting") as progress:
        progress.update(10, 20)
        progress.update(12, 20)
    assert "12/20 60% 1.0/s 8.0s left" in screen.getvalue().decode()


def test_note_takes_the_bars_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the bar comes back below it."""
    screen = watch_stderr(monkeypatch)
    output = Output()
    with show_progress(output, "waiting") as progress:
        progress.update(1, 4)
        output.note("look")
        progress.update(2, 4)
    assert "\r\x1b[Klook\n\rwaiting" in screen.getvalue().decode()


@pytest.mark.parametrize(("json_wanted", "total"), [(True, 4), (False, 1)])
def test_progress_is_not_drawn_where_nobody_wants_it(
    monkeypatch: pytest.MonkeyPatch, *, json_wanted: bool, total: int
) -> None:
    """For JSON, and for one thing alone."""
    screen = watch_stderr(monkeypatch)
    with show_progress(Output(json=json_wanted), "waiting") as progress:
        progress.update(1, total)
    assert screen.getvalue() == b""


def test_progress_is_not_drawn_into_a_pipe(capfd: pytest.CaptureFixture[str]) -> None:
    """A log is no terminal."""
    with show_progress(Output(), "waiting") as progress:
        progress.update(1, 4)
    assert capfd.readouterr().err == ""


def test_help_is_as_wide_as_the_terminal(tq: Tq) -> None:
    """Down to a narrow one."""
    with tq.on_terminal("-h", columns=60) as terminal:
        terminal.wait()
    lines = terminal.screen.partition("Examples:")[0].splitlines()
    assert max(map(measure, lines)) <= 60
