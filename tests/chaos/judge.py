"""The judge: receipts, ledger, history and deaths, held against each other."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tests.chaos.traffic import Answer, Receipt, allowed_ends
from tqcli.core.spec import DEFAULT_MAX_LOSSES
from tqcli.core.state import Reason, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.faults import Weather
    from tests.chaos.ledger import Run
    from tests.chaos.world import Death
    from tqcli.core.record import Record

AGAIN_S = 10.0
"""In calm weather a job runs again within this time of its agent's death."""


class Evidence(NamedTuple):
    """What was found out without tq: jobs go by the name `<group>.<index>`, records are in the order of their writing.

    `load_printed` returns how many bytes of an attempt's output are stored.
    """

    receipts: dict[str, Receipt]
    runs: list[Run]
    history: dict[str, list[Record]]
    deaths: list[Death]
    weather: Weather
    load_printed: Callable[[Receipt, int], int]


class Verdict(msgspec.Struct):
    """What was counted. The lists say what is wrong, a line for each case.

    `planned` are the planned times of schedules, of which half began no later than `half_s` after their time, and 99 of
    100 no later than `most_s`; `missed` are those of which nothing began.
    """

    accepted: int = 0
    unknown: int = 0
    rejected: int = 0
    runs: int = 0
    killed_runs: int = 0
    slowest_again_s: float = 0.0
    planned: int = 0
    half_s: float = 0.0
    most_s: float = 0.0
    missed: list[str] = []
    lost: list[str] = []
    doubled: list[str] = []
    early: list[str] = []
    late: list[str] = []
    left_over: list[str] = []

    @property
    def wrong(self) -> list[str]:
        """All that is wrong."""
        return [
            f"{name}: {line}"
            for name in ("lost", "missed", "doubled", "early", "late", "left_over")
            for line in getattr(self, name)
        ]


def judge(evidence: Evidence) -> Verdict:
    """Return the verdict; what is left over is not looked for here."""
    receipts, runs, history = evidence.receipts, evidence.runs, evidence.history
    answers = [receipt.answer for receipt in receipts.values()]
    verdict = Verdict(
        accepted=answers.count(Answer.ACCEPTED),
        unknown=answers.count(Answer.UNKNOWN),
        rejected=answers.count(Answer.REJECTED),
        runs=len(runs),
    )
    runs_of: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        group, _, index = run.job.partition(".")
        runs_of[f"{group}.{index or 0}"].append(run)
    for name in sorted({*runs_of, *history} - set(receipts)):
        verdict.doubled.append(f"job {name}: nobody submitted it")
    for name, receipt in receipts.items():
        records, ran = history.get(name, []), runs_of[name]
        verdict.lost += _find_lost(evidence, name, records, ran)
        verdict.doubled += _find_doubled(name, receipt, records, ran)
        verdict.early += _find_early(name, receipt, ran)
    _measure_returns(verdict, evidence, runs_of)
    return verdict


def _find_lost(evidence: Evidence, name: str, records: list[Record], ran: list[Run]) -> list[str]:
    receipt = evidence.receipts[name]
    if not records or not records[-1].state.final:
        there_is_none = receipt.answer is not Answer.ACCEPTED and not records and not ran
        state = records[-1].state if records else "without a record"
        return [] if there_is_none else [f"job {name} ({receipt.kind.name}, {receipt.answer.name}) is {state}"]
    last = records[-1]
    if (last.state, last.reason) not in allowed_ends(receipt):
        return [f"job {name} ({receipt.kind.name}) ended as {last.state} {last.reason} {last.exit_code} {last.error}"]
    if last.state is not State.SUCCEEDED:
        return []
    if not any(run.code == 0 and run.attempt == last.attempt for run in ran):
        return [f"job {name} is called succeeded, but its attempt {last.attempt} did not end so"]
    wanted = int(receipt.kind.work.get("print", 0))
    if wanted and not wanted <= (stored := evidence.load_printed(receipt, last.attempt)) < wanted + 100:
        return [f"job {name} printed at least {wanted} bytes, of which {stored} are stored"]
    return []


def _find_doubled(name: str, receipt: Receipt, records: list[Record], ran: list[Run]) -> list[str]:
    found = []
    finals = [record for record in records if record.state.final]
    if len(finals) > 1 or (finals and records[-1] is not finals[0]):
        found.append(f"job {name} was changed after its end: {', '.join(record.state for record in records)}")
    if receipt.answer is Answer.REJECTED and (records or ran):
        found.append(f"job {name} was rejected, and there all the same")
    for last in finals:
        if last.counted > receipt.spec.retries + 1 or last.losses > DEFAULT_MAX_LOSSES + 1:
            found.append(f"job {name}: {last.counted} attempts, {last.losses} losses")
        if last.reason is Reason.LOST and last.losses <= DEFAULT_MAX_LOSSES:
            found.append(f"job {name} ended as lost after {last.losses} losses")
        late_runs = [run for run in ran if last.finished_at and run.started_at > last.finished_at.timestamp() + 0.1]
        if late_runs:
            found.append(f"job {name} began again after its end")
    return found


def _find_early(name: str, receipt: Receipt, ran: list[Run]) -> list[str]:
    due = receipt.spec.not_before
    # Runs are noted to the millisecond.
    early = [due.timestamp() - run.started_at for run in ran if due and run.started_at < due.timestamp() - 0.001]
    return [f"job {name} began {max(early):.3f} s before its time"] if early else []


def _measure_returns(verdict: Verdict, evidence: Evidence, runs_of: dict[str, list[Run]]) -> None:
    """Find how long it took until what ran under killed agents ran again, or had ended."""
    for death in evidence.deaths:
        for name, ran in runs_of.items():
            before = [run for run in ran if run.started_at < death.at]
            if not before or before[-1].agent != death.agent or before[-1].ended_at is not None:
                continue
            starts = [run.started_at for run in ran if run.started_at > death.at]
            ends = [record.finished_at.timestamp() for record in evidence.history.get(name, []) if record.finished_at]
            if any(end < death.at for end in ends):
                continue  # it was stopped before, by its timeout or its user
            again_at = min((at for at in (*starts, *ends)), default=None)
            if again_at is None:
                continue  # lost, and said so
            verdict.killed_runs += 1
            calm = evidence.weather.longest_calm(death.at, again_at)
            verdict.slowest_again_s = max(verdict.slowest_again_s, calm)
            if calm > AGAIN_S:
                verdict.late.append(f"job {name} came back {again_at - death.at:.1f} s after {death.agent} was killed")
