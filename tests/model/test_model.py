"""Whatever happens, in whatever order, tq keeps its promises; without any of its three rules it would not."""

from __future__ import annotations

import pytest

from tests.model.ledger import Broken
from tests.model.machine import run
from tests.model.rules import Rules

RUNS = 20_000
PARTS = 8


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(1, PARTS + 1))
def test_promises_hold_whatever_happens(part: int) -> None:
    """20,000 stories of lost, late and doubled operations, crashes, freezes, restarts and cancels."""
    run(RUNS // PARTS, number=part)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("rules", "promise"),
    [
        (Rules(compare_and_set=False), "a final record never changes"),
        (Rules(record_before_ack=False), "a job that (ran has a record|was queued ends)"),
        (Rules(message_id=False), "a job runs twice at a time only after a gap in its lease"),
    ],
    ids=["compare-and-set", "record before ack", "message id"],
)
def test_no_rule_can_be_left_out(rules: Rules, promise: str) -> None:
    """The model sees what breaks without the rule: it is worth something."""
    with pytest.raises(Broken, match=promise):
        run(RUNS, number=1, rules=rules)
