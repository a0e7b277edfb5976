"""What a user does to schedules; what agents make of them is in tests/integration/agent."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.support.agents import AgentProcess, wait_until_final
from tests.support.eventually import eventually
from tests.support.schedules import HOURLY, START, add, load, make_definition, runs
from tests.support.server import NatsServer
from tests.support.stage import Stage
from tqcli.client.schedules import (
    add_schedule,
    backfill,
    list_schedules,
    load_schedule,
    pause_schedule,
    read_runs,
    remove_schedule,
    resume_schedule,
    run_schedule,
)
from tqcli.core.schedules.rule import CronRule
from tqcli.core.schedules.schedule import Backfilled, Run, make_run
from tqcli.core.state import State
from tqcli.errors import Conflict, CorruptRecord, Forbidden, InvalidInput, NotFound
from tqcli.jetstream.lookup import count_messages
from tqcli.jetstream.schedules import read_timers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

PASSWORD = secrets.token_hex(8)
USERS = f"""
authorization {{ users = [
    {{ user: "ann", password: "{PASSWORD}" }}
    {{ user: "eve", password: "{PASSWORD}"
       permissions: {{ publish: {{ deny: ["tq.schedule.>", "tq.timer.>"] }} }} }}
    {{ user: "old", password: "{PASSWORD}"
       permissions: {{ publish: {{ deny: ["$JS.API.STREAM.*.TQ_SCHEDULES", "$JS.API.DIRECT.GET.TQ_SCHEDULES.>"] }} }} }}
] }}
"""
PAST = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=10)


def count_jobs(stage: Stage) -> int:
    """Return how many jobs wait in queues."""
    return stage.run(count_messages(stage.link, stage.names.jobs, stage.names.jobs_of()))


def log_in(server: NatsServer, user: str) -> Stage:
    """Return a stage for one of the users."""
    return Stage(msgspec.structs.replace(server.endpoint, user=user, password=PASSWORD), "tq")


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """Return a server with users of several rights."""
    with NatsServer(config=USERS) as server:
        yield server


def test_the_first_schedule_makes_what_it_needs(bare_stage: Stage) -> None:
    """Streams, the default queue, and its timer."""
    assert bare_stage.run(list_schedules(bare_stage.broker)).schedules == []
    with pytest.raises(NotFound, match="no schedule 'nightly'"):
        bare_stage.run(load_schedule(bare_stage.broker, "nightly"))
    schedule = add(bare_stage, HOURLY)
    assert load(bare_stage) == schedule
    assert bare_stage.run(read_timers(bare_stage.broker)).keys() == {"nightly"}


def test_a_name_is_taken_once(stage: Stage) -> None:
    """Unless it is to be replaced; a definition that is the same changes nothing."""
    first = add(stage, HOURLY)
    with pytest.raises(Conflict, match="there is a schedule 'nightly'"):
        add(stage, HOURLY)
    assert add(stage, HOURLY, replace=True) == first
    changed = add(stage, HOURLY, replace=True, note="why")
    assert (changed.revision, changed.definition.note) == (2, "why")
    assert [one.name for one in stage.run(list_schedules(stage.broker)).schedules] == ["nightly"]


def test_of_two_users_who_define_one_at_once_one_is_first(stage: Stage) -> None:
    """The other one is told so."""
    broker = stage.meddle(stage.names.schedule("nightly"), partial(add, stage, HOURLY, note="first"))
    with pytest.raises(Conflict):
        stage.run(add_schedule(broker, make_definition(HOURLY), replace=False))
    assert load(stage).definition.note == "first"


def test_a_definition_that_makes_no_sense_is_not_stored(stage: Stage) -> None:
    """Nor one whose queue is not there."""
    with pytest.raises(InvalidInput):
        add(stage, CronRule("61 * * * *"))
    with pytest.raises(NotFound, match="no queue 'gpu'"):
        add(stage, HOURLY, job={"queue": "gpu"})
    assert stage.run(list_schedules(stage.broker)).schedules == []


@pytest.mark.parametrize("verb", [load_schedule, remove_schedule, pause_schedule, resume_schedule, run_schedule])
def test_a_mistyped_name_gets_a_hint(stage: Stage, verb: Callable[..., object]) -> None:
    """With the name that was probably meant."""
    add(stage, HOURLY)
    with pytest.raises(NotFound) as caught:
        stage.run(verb(stage.broker, "nightyl"))  # type: ignore[arg-type]
    assert caught.value.hint == "did you mean 'nightly'?"
    with pytest.raises(InvalidInput, match="can't name a schedule"):
        stage.run(verb(stage.broker, "*"))  # type: ignore[arg-type]


def test_one_that_cannot_be_read_can_be_replaced_and_removed(stage: Stage) -> None:
    """It is listed apart."""
    for _ in range(2):
        stage.put(stage.names.schedule("nightly"), b"{}")
        assert [one.name for one in stage.run(list_schedules(stage.broker)).unreadable] == ["nightly"]
        with pytest.raises(CorruptRecord, match="schedule 'nightly'"):
            load(stage)
        assert add(stage, HOURLY, replace=True).revision == 1
    stage.put(stage.names.schedule("nightly"), b"{}")
    stage.run(remove_schedule(stage.broker, "nightly"))
    assert stage.run(list_schedules(stage.broker)).unreadable == []
    assert stage.run(read_timers(stage.broker)) == {}


def test_a_new_schedule_may_begin_paused(stage: Stage) -> None:
    """Without a timer; replaced, it keeps its pause."""
    definition = make_definition(HOURLY)
    assert stage.run(add_schedule(stage.broker, definition, replace=False, paused=True)).paused is not None
    assert stage.run(read_timers(stage.broker)) == {}
    assert add(stage, HOURLY, replace=True, note="why").paused is not None
    assert stage.run(resume_schedule(stage.broker, "nightly")).paused is None
    assert stage.run(read_timers(stage.broker)).keys() == {"nightly"}


def test_a_change_that_meets_another_is_made_on_top_of_it(stage: Stage) -> None:
    """Nothing of either is lost."""
    add(stage, HOURLY)
    broker = stage.meddle(stage.names.schedule("nightly"), partial(add, stage, HOURLY, replace=True, note="why"))
    stage.run(pause_schedule(broker, "nightly", note="holidays"))
    after = load(stage)
    assert after.paused is not None
    assert (after.definition.note, after.paused.note) == ("why", "holidays")
    assert stage.run(read_timers(stage.broker)) == {}


def test_a_run_by_hand_is_a_job_at_once(stage: Stage) -> None:
    """In the history as it stands, from queued to its end."""
    add(stage, HOURLY)
    job = stage.run(run_schedule(stage.broker, "nightly"))
    assert stage.load_job(job).schedule == "nightly"
    (run,) = stage.run(read_runs(stage.broker, load(stage)))
    assert isinstance(run, Run)
    assert (run.kind, run.state, run.job) == ("manual", State.QUEUED, str(job))
    assert load(stage).starting == ()


def test_a_run_by_hand_that_breaks_off_is_left_to_agents(stage: Stage) -> None:
    """What was decided is in the snapshot before anything is sent."""
    add(stage, HOURLY)

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage.run(run_schedule(stage.meddle(f"{stage.names.namespace}.job.", die), "nightly"))
    assert [one.kind for one in load(stage).starting] == ["manual"]


def test_a_backfill_submits_what_is_missing(stage: Stage) -> None:
    """Each planned time once, under the id that it would have had; repeated, nothing."""
    schedule = add(stage, HOURLY)
    ten = partial(backfill, stage.broker, "nightly", PAST, PAST + timedelta(hours=9))
    assert stage.run(backfill(stage.broker, "nightly", PAST, PAST + timedelta(hours=3))) == (4, 0)
    done: list[int] = []
    assert stage.run(ten(progress=done.append)) == (6, 4)
    assert done == [10]
    (job, *_) = [make_run(schedule, PAST + timedelta(hours=number)).job for number in range(10)]
    stage.complete(stage.load_spec(job))
    assert stage.run(ten()) == (0, 10)
    assert count_jobs(stage) == 9
    entries = [one for one in load(stage).history if isinstance(one, Backfilled)]
    assert [(one.submitted, one.existed) for one in entries] == [(4, 0), (6, 4), (0, 10)]
    add(stage, HOURLY, replace=True, note="another revision")
    assert stage.run(ten()) == (10, 0)


def test_a_backfill_is_of_the_past_and_not_too_large(stage: Stage) -> None:
    """Nothing is submitted where it is refused."""
    add(stage, CronRule("* * * * *"))
    with pytest.raises(InvalidInput, match="a backfill ends in the past"):
        stage.run(backfill(stage.broker, "nightly", PAST, datetime.now(UTC) + timedelta(minutes=1)))
    with pytest.raises(InvalidInput, match="more than 10,000 planned times") as caught:
        stage.run(backfill(stage.broker, "nightly", PAST - timedelta(days=9), PAST))
    assert "one part after the other" in (caught.value.hint or "")
    assert stage.run(backfill(stage.broker, "nightly", PAST, PAST - timedelta(hours=1))) == (0, 0)
    assert count_jobs(stage) == 0


@pytest.mark.parametrize("verb", ["add", "pause", "run"])
def test_who_may_not_is_told_what_is_needed(server: NatsServer, verb: str) -> None:
    """Nothing was changed."""
    ann, eve = log_in(server, "ann"), log_in(server, "eve")
    ann.open("default")
    before = add(ann, HOURLY)
    verbs: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
        "add": partial(add_schedule, eve.broker, make_definition(HOURLY, name="other"), replace=False),
        "pause": partial(pause_schedule, eve.broker, "nightly"),
        "run": partial(run_schedule, eve.broker, "nightly"),
    }
    with pytest.raises(Forbidden) as caught:
        eve.run(verbs[verb]())
    assert "schedules are for operators" in (caught.value.hint or "")
    assert eve.run(list_schedules(eve.broker)).schedules == [before]
    ann.close()
    eve.close()


def test_rights_from_before_there_were_schedules_still_do(server: NatsServer, tmp_path: Path) -> None:
    """Such a user submits and runs jobs, also where that makes the streams; an agent says what it can't do."""
    old = log_in(server, "old")
    old.open("default")
    with AgentProcess(old, tmp_path) as agent:
        assert wait_until_final(old, old.submit()).state is State.SUCCEEDED
        eventually(lambda: "the schedules were not looked over" in agent.log.read_text(), 20)
        assert agent.process.poll() is None
    with pytest.raises(Forbidden):
        add(old, HOURLY)
    ann = log_in(server, "ann")
    add(ann, HOURLY)  # the stream comes with the first schedule
    assert runs(load(ann)) == []
    assert ann.run(load_schedule(ann.broker, "nightly")).defined_at > START
    ann.close()
    old.close()
