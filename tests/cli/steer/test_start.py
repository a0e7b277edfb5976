"""`tq start`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tqcli.core.state import State

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tests.support.tq import Tq


def later() -> datetime:
    """Return a time that does not come during a test."""
    return datetime.now(UTC) + timedelta(hours=1)


def test_start_says_what_it_started(tq: Tq, stage: Stage) -> None:
    """A job with the state that it was in, a group with a number."""
    spec = stage.submit(not_before=later())
    done = tq("start", str(spec.id))
    assert (done.code, done.text, done.stderr) == (0, f"started {spec.id} (was scheduled)", "")
    group = stage.submit_group(range(3), not_before=later())[0].group
    assert tq("start", group).text == f"started {group}: 3 jobs"
    assert stage.load_job(spec.id).state is State.QUEUED


def test_job_that_does_not_wait_is_exit_code_4(tq: Tq, stage: Stage) -> None:
    """All ids are tried, and the others started."""
    queued, waiting = stage.submit(), stage.submit(not_before=later())
    done = tq("start", str(queued.id), str(waiting.id), "--json")
    assert done.code == 4
    assert json.loads(done.text) == {"id": str(waiting.id), "count": 1, "was": "scheduled"}
    assert f"job {queued.id} is queued already" in done.stderr
