"""Codes: which failures a retry rule means."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.unit.core.examples import FAILURE, outcomes
from tqcli.core.codes import parse_codes
from tqcli.core.exit_status import exit_status
from tqcli.core.outcome import Exited, Expired, Interrupted, Lost, NotStarted, Outcome, Raised, Signalled, TimedOut
from tqcli.core.state import Reason, State
from tqcli.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("1", Exited(1)),
        ("1,75,100-110", Exited(75)),
        ("1,75,100-110", Exited(100)),
        ("1,75,100-110", Exited(110)),
        ("exit", Exited(3)),
        (" 1 , signal ", Signalled(15)),
        ("137", Signalled(9)),
        ("timeout", TimedOut()),
        ("124", TimedOut()),
        ("127", NotStarted(127, FAILURE)),
        ("not_started", NotStarted(126, FAILURE)),
        ("error", Raised(FAILURE)),
        ("1", Raised(FAILURE)),
    ],
)
def test_codes_match(text: str, outcome: Outcome) -> None:
    """A number is what `tq run` would exit with, a word is a reason."""
    assert parse_codes(text).matches(outcome)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("1,75,100-110", Exited(2)),
        ("1,75,100-110", Exited(99)),
        ("1,75,100-110", Exited(111)),
        ("signal", Exited(137)),
        ("timeout", Exited(124)),
        ("exit", Signalled(9)),
        ("error", Exited(1)),
        ("127", NotStarted(126, FAILURE)),
    ],
)
def test_codes_do_not_match_others(text: str, outcome: Outcome) -> None:
    """Neighbours and other kinds of failure stay out."""
    assert not parse_codes(text).matches(outcome)


@given(outcome=outcomes)
def test_no_rule_names_a_success_or_a_loss(outcome: Outcome) -> None:
    """Even all codes match only what the job itself did wrong."""
    matched = parse_codes("1-255,exit,signal,timeout,not_started,error").matches(outcome)
    assert matched == isinstance(outcome, Signalled | TimedOut | NotStarted | Raised) or (
        isinstance(outcome, Exited) and matched == (outcome.code != 0)
    )
    if isinstance(outcome, Lost | Expired | Interrupted):
        assert not matched


@pytest.mark.parametrize("signal", range(1, 65))
def test_number_is_the_exit_code_of_tq_run(signal: int) -> None:
    """Rules and exit codes count signals alike."""
    assert parse_codes(str(exit_status(State.FAILED, Reason.SIGNAL, None, signal))).matches(Signalled(signal))


@pytest.mark.parametrize("text", ["", ",", "1,", "0", "256", "5-1", "-1", "1-", "a", "١", "lost", "9" * 10_000])
def test_what_are_no_codes_is_refused(text: str) -> None:
    """Success can't be retried, and a mistyped word is not ignored."""
    with pytest.raises(InvalidInput) as caught:
        parse_codes(text)
    assert caught.value.hint
    assert len(caught.value.message) < 160


def test_mistyped_reason_gets_its_near_match() -> None:
    """The hint names the word that was meant."""
    with pytest.raises(InvalidInput) as caught:
        parse_codes("1,singal")
    assert caught.value.hint == "did you mean 'signal'?"
