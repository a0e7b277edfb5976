"""`tq doctor`: a line for each thing, and an exit code that says whether all is well."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tests.support.tq import Tq


def test_what_could_not_be_looked_at_is_not_well(tq: Tq, stage: Stage) -> None:
    """One line each, with what to do on the next."""
    stage.announce("host-a")
    done = tq("doctor")
    assert done.code == 1
    lines = done.text.splitlines()
    assert lines[0].split()[:3] == ["ok", "server", "nats-server"]
    at = next(number for number, line in enumerate(lines) if line.startswith("unknown"))
    assert lines[at + 1].strip() == "say where its monitoring port is: tq doctor --monitor http://HOST:8222"


def test_documents_come_one_a_line(tq: Tq, stage: Stage) -> None:
    """Each with the same four fields."""
    stage.submit()
    found = [json.loads(line) for line in tq("doctor", "--json").text.splitlines()]
    assert all(set(one) == {"check", "level", "text", "hint"} for one in found)
    assert {"check": "queues", "level": "error"}.items() <= found[-1].items()


def test_lines_fit_the_terminal(tq: Tq, stage: Stage) -> None:
    """80 columns."""
    stage.announce("a" * 60, version="0.0.1")
    with tq.on_terminal("doctor") as terminal:
        assert terminal.wait() == 1
    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.screen)
    assert max(map(len, plain.splitlines())) <= 80


def test_nothing_to_fix_says_so(tq: Tq, stage: Stage) -> None:
    """On stderr."""
    stage.submit()
    assert tq("doctor", "--fix").stderr == "tq: 0 jobs queued again, 0 messages removed\n"
