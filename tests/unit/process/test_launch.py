"""Where a program is looked for."""

from __future__ import annotations

import pytest

from tqcli.process.launch import candidates, show


@pytest.mark.parametrize(
    ("name", "env", "paths"),
    [
        (b"tool", {b"PATH": b"/a:/b"}, [b"/a/tool", b"/b/tool"]),
        (b"tool", {b"PATH": b"/a::b:"}, [b"/a/tool", b"./tool", b"b/tool", b"./tool"]),
        (b"tool", {b"PATH": b""}, [b"./tool"]),
        (b"tool", {}, [b"/usr/local/bin/tool", b"/usr/bin/tool", b"/bin/tool"]),
        (b"./tool", {b"PATH": b"/a"}, [b"./tool"]),
        (b"/a/tool", {b"PATH": b"/b"}, [b"/a/tool"]),
        (b"", {b"PATH": b"/a"}, []),
    ],
)
def test_program_is_looked_for_as_in_a_shell(name: bytes, env: dict[bytes, bytes], paths: list[bytes]) -> None:
    """A slash means no search, an empty place the directory itself."""
    assert list(candidates(name, env)) == paths


def test_word_is_shown_on_one_short_line() -> None:
    """Whatever is in it."""
    assert show(b"a\nb\x1b[0m\xff") == "'a\\nb\\x1b[0m\ufffd'"
    assert len(show(b"x" * 10_000)) < 210
