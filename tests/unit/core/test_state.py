"""The states and their moves."""

from __future__ import annotations

import re
from itertools import product

import pytest

import tqcli.core
from tqcli.core.state import FINAL, MOVES, State, check_move
from tqcli.errors import Conflict

_LINE = re.compile(r"^    (\w+) → (.+)$", re.MULTILINE)


def test_diagram_shows_every_move() -> None:
    """The package's docstring and the table of moves say the same."""
    drawn = {
        State(old): frozenset() if new == "nothing" else frozenset(map(State, new.split(", ")))
        for old, new in _LINE.findall(tqcli.core.__doc__ or "")
    }
    assert drawn == MOVES


@pytest.mark.parametrize(("old", "new"), list(product(State, State)))
def test_only_moves_of_the_table_pass(old: State, new: State) -> None:
    """Every pair of states is either in the table or a conflict that names both."""
    if new in MOVES[old]:
        check_move(old, new)
        return
    with pytest.raises(Conflict) as caught:
        check_move(old, new)
    assert f"{old} " in caught.value.message
    assert caught.value.message.endswith(f" {new}")


def test_no_move_leads_out_of_a_final_state() -> None:
    """Final states are exactly those without a way out."""
    assert frozenset(state for state in State if not MOVES[state]) == FINAL
    assert [state for state in State if state.final] == [state for state in State if state in FINAL]


def test_every_state_is_reached_from_those_a_job_begins_in() -> None:
    """No state is out of reach."""
    reached = {State.SCHEDULED, State.BLOCKED}
    while more := {new for old in reached for new in MOVES[old]} - reached:
        reached |= more
    assert reached == set(State)


def test_every_open_state_can_be_cancelled_and_expire() -> None:
    """Accepted means it will end: a user or time can end a job wherever it is."""
    for state in set(State) - FINAL:
        assert {State.CANCELLED, State.EXPIRED} <= MOVES[state]
