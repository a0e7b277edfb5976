"""The judge sees what is wrong: each of the counts, by an example."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from tests.chaos.faults import Weather
from tests.chaos.judge import Evidence, judge
from tests.chaos.ledger import Run
from tests.chaos.plans import compare
from tests.chaos.traffic import KINDS, Answer, Receipt, name_of
from tests.chaos.world import Death
from tests.support.schedules import make_definition
from tqcli.core.codec import encode_spec
from tqcli.core.conclusion import conclude
from tqcli.core.ids import make_group_id
from tqcli.core.outcome import Exited
from tqcli.core.record import Record, queued, start
from tqcli.core.schedules.planning import define
from tqcli.core.spec import WIRE_VERSION, Shell, Spec
from tqcli.core.verdict import Succeed

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AT = NOW.timestamp()
SPEC = Spec(v=WIRE_VERSION, group=make_group_id(NOW, 7), work=Shell(("true",)), submitted_at=NOW)
NAME = name_of(SPEC)
SHORT, PRINTING = (next(kind for kind in KINDS if kind.name == name) for name in ("short", "printing"))
RUNNING = start(queued(encode_spec(SPEC)), agent="a", claim="1.ab", now=NOW)
DONE = conclude(RUNNING, Exited(0), Succeed(), now=NOW + timedelta(seconds=1))
RUN = Run(NAME.partition(".")[0], 1, "1.ab", "a", 1, AT, AT + 1, 0)
KILLED = msgspec.structs.replace(RUN, ended_at=None, code=None)
AGAIN = Run(RUN.job, 2, "1.cd", "b", 2, AT + 30, AT + 31, 0)
DONE_AGAIN = msgspec.structs.replace(DONE, attempt=2, losses=1, finished_at=NOW + timedelta(seconds=31))


def evidence(
    *records: Record, runs: tuple[Run, ...] = (RUN,), answer: Answer = Answer.ACCEPTED, killed_at: float | None = None
) -> Evidence:
    """Return what is known of one job."""
    deaths = [] if killed_at is None else [Death("a", killed_at)]
    history = {NAME: list(records)} if records else {}
    receipts = {NAME: Receipt(SPEC, SHORT, answer)}
    return Evidence(receipts, list(runs), history, deaths, Weather(), lambda *_: 0)


def test_a_job_that_ran_and_ended_is_all_right() -> None:
    """As is one of which nobody knows whether it was accepted, and that never was."""
    assert judge(evidence(RUNNING, DONE)).wrong == []
    assert judge(evidence(runs=(), answer=Answer.UNKNOWN)).wrong == []


def test_a_job_without_a_true_end_is_lost() -> None:
    """No record at all, none that is final, a success that no run had, output that is not there."""
    assert judge(evidence(runs=())).lost
    assert judge(evidence(RUNNING)).lost
    assert judge(evidence(RUNNING, DONE, runs=(KILLED,))).lost
    assert judge(evidence(RUNNING, msgspec.structs.replace(DONE, attempt=2))).lost
    silent = evidence(RUNNING, DONE)
    silent.receipts[NAME].kind = PRINTING
    assert judge(silent).lost


def test_a_run_before_its_time_is_early() -> None:
    """Not one at its time."""
    for before_s, is_early in ((0.0, False), (0.5, True)):
        waited = evidence(RUNNING, DONE)
        due = NOW + timedelta(seconds=before_s)
        waited.receipts[NAME] = Receipt(msgspec.structs.replace(SPEC, not_before=due), SHORT, Answer.ACCEPTED)
        assert bool(judge(waited).early) == is_early
    assert "began 0.500 s before its time" in judge(waited).wrong[0]


def test_what_nobody_asked_for_is_doubled() -> None:
    """A second end, a run after the end, more losses than allowed, a rejected job that ran, one without a submit."""
    assert judge(evidence(RUNNING, DONE, DONE)).doubled
    assert judge(evidence(RUNNING, DONE, runs=(RUN, AGAIN))).doubled
    assert judge(evidence(RUNNING, msgspec.structs.replace(DONE, losses=5, attempt=6))).doubled
    assert judge(evidence(RUNNING, DONE, answer=Answer.REJECTED)).doubled
    unasked = evidence(RUNNING, DONE)
    unasked.receipts.clear()
    assert judge(unasked).doubled


def test_a_job_that_lets_its_user_wait_is_late() -> None:
    """Unless there was no calm: then it had no fair chance."""
    waited = evidence(RUNNING, DONE_AGAIN, runs=(KILLED, AGAIN), killed_at=AT + 5)
    verdict = judge(waited)
    assert verdict.late
    assert (verdict.lost, verdict.doubled, verdict.killed_runs) == ([], [], 1)
    waited.weather.note(AT + 10, AT + 25)
    assert judge(waited).late == []


def test_what_was_stopped_before_its_agent_died_is_not_waited_for() -> None:
    """A job that was cancelled or ran out of time has ended, though it could not write that down itself."""
    assert judge(evidence(RUNNING, DONE, runs=(KILLED,), killed_at=AT + 5)).killed_runs == 0


def test_planned_times_are_counted_by_what_their_runs_wrote() -> None:
    """Missed without a line; doubled with two jobs, or where nothing was planned. A job may begin again."""
    schedule = define(make_definition(name="plan"), now=NOW, by=None)
    first, second, third = (f"plan 2026-03-01T12:00:0{second}Z" for second in (1, 2, 3))
    until = NOW + timedelta(seconds=2)
    right = f"{first} a {AT + 1.5}\n{second} b {AT + 2.25}\n{second} b {AT + 9}\n"
    outcome = compare([schedule], until, right)
    assert (outcome.planned, outcome.missed, outcome.doubled, outcome.late_s) == (2, [], [], [0.25, 0.5])
    assert len(compare([schedule], until, f"{first} a 1\n").missed) == 1
    assert len(compare([schedule], until, f"{right}{first} c 1\n").doubled) == 1
    assert len(compare([schedule], until, f"{right}{third} c 1\n").doubled) == 1
