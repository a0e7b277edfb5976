"""What is written, and how it is drawn."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tqcli.cli.fit import fold, shorten
from tqcli.cli.output import Output
from tqcli.cli.progress import show_progress
from tqcli.cli.table import Column, draw_table
from tqcli.errors import NotFound

if TYPE_CHECKING:
    from tests.support.tq import Tq
    from tqcli.cli.progress import Progress

COLUMNS = [
    Column("ID", rank=0),
    Column("NAME", shrinks=True, rank=3),
    Column("TRIES", number=True, rank=2),
    Column("COMMAND", shrinks=True, rank=1),
]


class _Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class _Watched:
    """A terminal on stderr, with a bar that is told at some second that so many of `total` are done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, json_wanted: bool = False, total: int = 20) -> None:
        self._written = io.BytesIO()
        self._now_s = 0.0
        self._total = total
        monkeypatch.setattr(sys, "stderr", _Terminal(self._written, write_through=True))
        monkeypatch.setattr("tqcli.cli.progress.time", SimpleNamespace(monotonic=lambda: self._now_s))
        for name, value in {"TERM": "xterm", "NO_COLOR": ""}.items():
            monkeypatch.setenv(name, value)
        self.output = Output(json=json_wanted)

    def show(self, *updates: tuple[float, int], note: str = "", end: bool = False) -> str:
        """Return what was written after these updates, or when the bar had come to its end."""
        with show_progress(self.output, "waiting") as progress:
            self.tell(progress, *updates, note=note)
            during = self.screen
        return self.screen if end else during

    def tell(self, progress: Progress, *updates: tuple[float, int], note: str = "") -> None:
        """Let time pass from update to update."""
        for self._now_s, done in updates:
            progress.update(done, self._total, note)

    @property
    def screen(self) -> str:
        """What was written."""
        return self._written.getvalue().decode()


def drop_colours(text: str) -> str:
    """Return the text alone."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


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
    assert max(map(cell_len, lines)) == 60
    assert lines[1] == "1xkbbg00a7c3k9mf  a name of some …      1  find / -name '*.…"


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=5), st.integers(2, 100))
def test_table_fits(rows: list[tuple[str, str, str]], width: int) -> None:
    """Whatever is in it, down to a terminal that has room for one wide character."""
    lines = draw_table(COLUMNS, [(name, word, "1", work) for name, word, work in rows], width=width)
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (43, "1xkbbg00a7c3k9mf  a name …  12345  find / …"),
        (42, "1xkbbg00a7c3k9mf  12345  find / -name '*.…"),
        (32, "1xkbbg00a7c3k9mf  find / -name …"),
        (25, "1xkbbg00a7c3k9mf  12345"),
        (22, "1xkbbg00a7c3k9mf"),
    ],
)
def test_table_leaves_out_the_least_useful_columns(width: int, line: str) -> None:
    """Where the terminal is too narrow for all: half an id is none, and neither is a line that wraps."""
    rows = [["1xkbbg00a7c3k9mf", "a name of some length", "12345", "find / -name '*.py'"]]
    head, shown = draw_table(COLUMNS, rows, width=width)
    assert shown == line
    assert len(head) <= width


def test_table_folds_a_name_that_is_wider_than_the_terminal() -> None:
    """And shows what there is beside it."""
    columns = [Column("QUEUE", rank=0), Column("QUEUED", number=True), Column("STATE")]
    assert draw_table(columns, [["abcdefghij-klmnopqrst", "7", "open"]], width=20) == [
        "QUEUE         QUEUED",
        "abcdefghij-k       7",
        "lmnopqrst",
    ]


def test_table_without_titles_has_no_head() -> None:
    """It is aligned all the same."""
    assert draw_table([Column("", rank=0), Column("")], [["a", "b"], ["cc", "d"]], width=80) == ["a   b", "cc  d"]


def test_table_is_whole_where_no_terminal_is() -> None:
    """However long its lines get."""
    assert draw_table(COLUMNS, [["1", "x" * 500, "1", "y" * 500]], width=None)[1].count("…") == 0


def test_table_with_wide_characters_is_aligned() -> None:
    """They take two columns each, and are never cut in half."""
    lines = draw_table(COLUMNS, [["1", "日本語日本語", "1", "x"], ["2", "name", "2", "x"]], width=34)
    assert lines == ["ID  NAME          TRIES  COMMAND", "1   日本語日本語      1  x", "2   name              2  x"]
    assert draw_table([Column("A", shrinks=True)], [["日本語日本語"]], width=10)[1] == "日本語日 …"
    assert draw_table([Column("A", rank=0)], [["日本語日本語"]], width=9)[1:] == ["日本語日", "本語"]


def test_table_takes_markup_for_what_it_is() -> None:
    """A job's name may look like a tag or an emoji's name."""
    assert draw_table([Column("A")], [["[red]x[/] :smile:"]], width=None)[1] == "[red]x[/] :smile:"


@given(st.lists(st.lists(st.text(), min_size=3, max_size=3), max_size=5))
def test_table_has_a_line_for_each_row_whatever_is_in_it(rows: list[list[str]]) -> None:
    """A job's name can't break the line, colour it, or move the cursor."""
    lines = draw_table(COLUMNS, [["1", *row] for row in rows], width=80)
    assert len(lines) == len(rows) + 1
    assert all(char.isprintable() for line in lines for char in line)


def test_colours_take_no_room() -> None:
    """And are not counted when a column is aligned."""
    rows = [["\x1b[31mred\x1b[0m", "x", "1", "y"], ["plain", "x", "1", "y"]]
    assert draw_table(COLUMNS, rows, width=None)[1:] == [
        "\x1b[31mred\x1b[0m    x         1  y",
        "plain  x         1  y",
    ]


def test_cut_colour_ends_where_its_text_does() -> None:
    """And nothing is left after the last column, coloured or not."""
    rows = [["\x1b[31ma long state\x1b[0m"], ["\x1b[31mbad\x1b[0m"]]
    assert draw_table([Column("STATE", shrinks=True)], rows, width=8)[1:] == [
        "\x1b[31ma long …\x1b[0m",
        "\x1b[31mbad\x1b[0m",
    ]


@given(st.text(), st.integers(1, 40))
def test_shortened_text_fits(text: str, width: int) -> None:
    """Also with wide characters."""
    assert cell_len(shorten(text, width)) <= width


@given(st.lists(st.text("ab日", min_size=1, max_size=12)).map(" ".join), st.integers(12, 40), st.integers(0, 4))
def test_folded_text_fits_and_loses_nothing(text: str, width: int, hang: int) -> None:
    """Where no word is longer than a line."""
    lines = list(fold(text, width, hang=hang))
    longest = max(map(cell_len, text.split(" "))) + hang
    assert max(map(cell_len, lines)) <= max(width, longest)
    assert [word for line in lines for word in line.split()] == text.split()
    assert list(fold(text, None)) == [text]


def test_command_in_a_sentence_stays_on_one_line() -> None:
    """So that it can be copied."""
    text = "see what it printed: `tq logs 1xkbbg00a7c3k9mf`"
    assert list(fold(text, 40)) == ["see what it printed:", "`tq logs 1xkbbg00a7c3k9mf`"]


def test_colours_are_not_counted_where_a_line_is_folded() -> None:
    """They stay with their words."""
    assert list(fold("\x1b[31mred\x1b[0m words", 9)) == ["\x1b[31mred\x1b[0m words"]


@pytest.mark.parametrize(
    ("env", "bold", "red"),
    [
        ({}, "\x1b[1mx\x1b[0m", "\x1b[31mx\x1b[0m"),
        ({"NO_COLOR": "1"}, "x", "x"),
        ({"TERM": "dumb"}, "x", "x"),
    ],
)
def test_colour_needs_a_terminal_that_may(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], bold: str, red: str
) -> None:
    """And never says what the words don't."""
    monkeypatch.setattr(sys, "stdout", _Terminal(io.BytesIO()))
    for name, value in {"TERM": "xterm", "NO_COLOR": "", **env}.items():
        monkeypatch.setenv(name, value)
    output = Output()
    assert (output.paint("x", "bold"), output.paint("x", "red")) == (bold, red)


def test_progress_tells_counts_speed_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The speed is that since we look: what was done before says nothing about it."""
    updates = ((0, 4_000), (1, 5_000), (2, 5_600), (3, 6_000))
    text = drop_colours(_Watched(monkeypatch, total=20_000).show(*updates, note="1 failed"))
    assert re.search(r"waiting \S{24} 6,000/20,000  30% 400/s 00:35 left 1 failed$", text)


def test_progress_is_drawn_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves the line empty."""
    text = _Watched(monkeypatch).show((0, 0), (1, 5), end=True)
    assert " 5/20  25% " in drop_colours(text)
    assert text.endswith("\r\x1b[1A\x1b[2K")


def test_progress_leaves_the_cursor_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is killed while waiting can't bring it back."""
    text = _Watched(monkeypatch).show((0, 0), (1, 1))
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_progress_of_what_is_over_at_once_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flash tells nothing, and rich takes longer to import than that."""
    assert not _Watched(monkeypatch).show((0, 0), (0.19, 20), end=True)


def test_progress_is_drawn_ten_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is told."""
    text = _Watched(monkeypatch).show((0, 0), (1, 1), (1.05, 2), (1.2, 3))
    assert re.findall(r"\d+/20", text) == ["1/20", "3/20"]


def test_note_takes_the_bars_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the bar comes back below it."""
    watched = _Watched(monkeypatch)
    with show_progress(watched.output, "waiting") as progress:
        watched.tell(progress, (0, 0), (1, 1))
        watched.output.note("look")
        watched.tell(progress, (1.01, 1), (2, 2))
    assert re.search(r"1/20.*\r\x1b\[1A\x1b\[2Klook\n.*2/20", watched.screen, re.DOTALL)


def test_progress_leaves_room_for_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal shows it behind the bar, and a line that wraps is not erased."""
    text = drop_colours(_Watched(monkeypatch).show((0, 0), (1, 1), note="x" * 80))
    line = text.removesuffix("\x1b[?25h").rpartition("\x1b[?25l")[2]
    assert line.startswith("waiting ━")
    assert cell_len(line) == 77


def test_progress_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar and the note give way to the numbers."""
    watched = _Watched(monkeypatch)
    monkeypatch.setattr("tqcli.cli.progress.terminal_width", lambda _: 40)
    text = drop_colours(watched.show((0, 0), (1, 1), (2, 3), (3, 9), note="1 running, 3 not successful"))
    assert re.search(r"waiting .*9/20  45% 6.0/s 00:02 left", text)


def test_progress_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar says it without."""
    watched = _Watched(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    text = watched.show((0, 0), (1, 10))
    assert f"waiting {'━' * 12}{' ' * 12} 10/20" in text
    assert text == drop_colours(text)


@pytest.mark.parametrize(("json_wanted", "total"), [(True, 4), (False, 1)])
def test_progress_is_not_drawn_where_nobody_wants_it(
    monkeypatch: pytest.MonkeyPatch, *, json_wanted: bool, total: int
) -> None:
    """For JSON, and for one thing alone."""
    assert not _Watched(monkeypatch, json_wanted=json_wanted, total=total).show((0, 0), (1, 0), end=True)


def test_progress_is_not_drawn_into_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log is no terminal."""
    watched = _Watched(monkeypatch)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert not watched.show((0, 0), (1, 1), end=True)


def test_rich_is_imported_by_what_needs_it_alone() -> None:
    """Its import takes longer than a submit; only a bar, and characters that may be wide, are worth it."""
    code = """
import sys
from tqcli.cli.output import Output
from tqcli.cli.progress import show_progress
from tqcli.cli.fit import shorten
from tqcli.cli.table import Column
output = Output(json=True)
with show_progress(output, "waiting") as bar:
    bar.update(1, 4)
output.document([output.paint(shorten("x", 4), "bold")])
output.table([Column("A")], [["x"]])
assert not any(name.partition(".")[0] in ("rich", "typer") for name in sys.modules)
output.table([Column("A")], [["日"]])
assert "rich.cells" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_is_as_wide_as_the_terminal(tq: Tq) -> None:
    """Down to a narrow one."""
    with tq.on_terminal("-h", columns=60) as terminal:
        terminal.wait()
    lines = terminal.screen.partition("Examples:")[0].splitlines()
    assert max(map(cell_len, lines)) <= 60
