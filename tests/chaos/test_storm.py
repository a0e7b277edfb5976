"""A short storm, the same faults each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.faults import SORTS, make_plan
from tests.chaos.storm import rage

if TYPE_CHECKING:
    from pathlib import Path

SEED = 1208
"""One whose storm has most sorts of faults in its short time."""
SECONDS = 50.0


def test_a_plan_follows_from_its_seed() -> None:
    """The same seed, the same faults; a long storm has all sorts of them, and never two at once on one target."""
    plan = make_plan(1, hosts=3, seconds=3600)
    assert make_plan(1, hosts=3, seconds=3600) == plan
    assert make_plan(2, hosts=3, seconds=3600) != plan
    assert {fault.name for fault in plan} == {sort.name for sort in SORTS}


@pytest.mark.alone
@pytest.mark.timeout(240)
def test_nothing_is_lost_in_a_storm(tmp_path: Path) -> None:
    """No job lost, no planned time missed, no result written twice, no job late, no process left behind."""
    said: list[str] = []
    verdict = rage(tmp_path, seed=SEED, seconds=SECONDS, say=said.append)
    assert not verdict.wrong, "\n".join([*said, *verdict.wrong])
    assert verdict.accepted > SECONDS
    assert verdict.killed_runs > 0
    assert verdict.planned > SECONDS
