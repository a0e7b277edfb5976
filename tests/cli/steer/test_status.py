"""`tq status`: everything on one screen, or one job."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.support.server import NatsServer
from tqcli.cli.fit import measure
from tqcli.client.cancel import cancel
from tqcli.core.ids import JobId
from tqcli.core.outcome import Exited, Failure, Raised
from tqcli.core.spec import Python, Shell
from tqcli.core.state import Reason

if TYPE_CHECKING:
    from tests.support.stage import Stage
    from tests.support.tq import Tq

ABSENT = "1xkbbg0000000000"
FIELDS = {
    *("id", "name", "kind", "command", "entrypoint", "state", "reason", "queue", "priority", "attempt", "retries"),
    *("exit_code", "signal", "error", "result", "agent", "submitted_at", "started_at", "finished_at", "group"),
    *("index", "schedule"),
}


def test_unused_broker_says_what_to_type_next(tq: Tq) -> None:
    """A stranger's first command may be this one."""
    done = tq("status")
    assert (done.code, done.stderr) == (0, "")
    assert "tq run -- echo hello" in done.text


def test_overview_shows_queues_agents_and_counts(tq: Tq, stage: Stage) -> None:
    """All of it at a glance."""
    first, second, *_ = [stage.submit() for _ in range(4)]
    stage.complete(first)
    stage.complete(second, Exited(1), reason=Reason.EXIT)
    stage.announce("builder-1", slots=7)
    lines = tq("status").text.splitlines()
    assert lines[0].split() == ["QUEUE", "QUEUED", "RUNNING", "LIMIT", "AGENTS", "SLOTS", "STATE"]
    assert lines[1].split() == ["default", "2", "0", "-", "1", "7", "open"]
    assert "builder-1" in lines[4]
    assert "now     0 running, 2 queued" in lines
    (recent,) = [line for line in lines if line.startswith("recent  1 succeeded, 1 failed, since")]
    assert not recent.endswith("1,000")


def test_older_jobs_are_told_where_they_are_not_counted(tq: Tq, stage: Stage) -> None:
    """Whoever misses a failure knows where it went."""
    specs = stage.submit_group(range(1001))
    stage.run(cancel(stage.broker, JobId(specs[0].group)))
    (recent,) = [line for line in tq("status").text.splitlines() if line.startswith("recent")]
    assert recent.startswith("recent  1,000 cancelled, since")
    assert recent.endswith(", of the last 1,000")


def test_overview_fits_the_screen(tq: Tq, stage: Stage) -> None:
    """24 lines of 80 columns, however many there are and whatever they are called."""
    stage.open(*(f"queue-{number}-{'x' * 50}" for number in range(12)))
    for number in range(12):
        stage.announce(f"agent-{number}-{'y' * 50}", host="z" * 60, queues=("a" * 60, "b" * 60))
    with tq.on_terminal("status") as terminal:
        assert terminal.wait() == 0
    lines = terminal.screen.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    assert "and 5 more: tq queue ls" in terminal.screen
    assert "and 7 more: tq agents" in terminal.screen


def test_overview_fits_a_narrow_screen(tq: Tq, stage: Stage) -> None:
    """Queues and agents are named, and sentences are broken between words."""
    stage.open("gpu-of-the-team")
    stage.submit(queue="gpu-of-the-team")
    stage.announce("builder-1-4711", host="builder-1.example.org")
    with tq.on_terminal("status", columns=40) as terminal:
        assert terminal.wait() == 0
    lines = terminal.screen.splitlines()
    assert max(map(measure, lines)) <= 40
    assert {"gpu-of-the-team", "builder-1-4711"} <= {line.split()[0] for line in lines if line}
    assert lines[-3:] == ["1 job waits in gpu-of-the-team, which no", "agent serves: tq agent -q", "gpu-of-the-team"]


def test_overview_says_which_broker_it_is_about(tq: Tq, stage: Stage) -> None:
    """By its context and its address; also where nothing is there yet."""
    server = stage.endpoint.servers[0]
    assert f"broker  stage, at {server}" in tq("status").text.splitlines()
    with NatsServer() as other:
        url = other.endpoint.servers[0]
        assert tq("status", "--server", url).text.splitlines()[0] == f"broker  {url}"


def test_overview_tells_of_jobs_that_wait_in_vain(tq: Tq, stage: Stage) -> None:
    """And what would help."""
    stage.open("gpu")
    stage.submit(queue="gpu")
    assert "1 job waits in gpu, which no agent serves: tq agent -q gpu" in tq("status").text


def test_overview_as_json_is_one_document(tq: Tq, stage: Stage) -> None:
    """For scripts that watch a fleet."""
    stage.submit()
    overview = json.loads(tq("status", "--json").stdout)
    assert overview["queued"] == 1
    assert [queue["name"] for queue in overview["queues"]] == ["default"]
    assert overview["agents"] == []


def test_failed_job_shows_its_attempts_and_why_it_failed(tq: Tq, stage: Stage) -> None:
    """As a timeline, and with what to type next."""
    spec = stage.submit(work=Shell(("make", "all")), name="nightly", retries=1)
    where = stage.take(spec)
    stage.start(spec, agent="host-a")
    stage.wait_for_retry(spec, Exited(2))
    stage.start(spec, agent="host-b")
    stage.finish(spec, Exited(3), reason=Reason.EXIT)
    stage.settle(where)
    done = tq("status", str(spec.id))
    assert done.code == 0
    text = done.text
    for part in (
        f"{spec.group} (nightly)",
        "failed with exit code 3",
        "make all",
        "attempt 1 of 2 started on host-a",
        "attempt 1 ended with exit code 2",
        "attempt 2 of 2 started on host-b",
        "attempt 2 ended with exit code 3",
        f"tq logs {spec.group}",
        f"tq retry {spec.group}",
    ):
        assert part in text, part


def test_python_error_shows_its_traceback(tq: Tq, stage: Stage) -> None:
    """That is what a developer needs first."""
    spec = stage.submit(work=Python("reports:build"))
    failure = Failure("ValueError", "no such month", "Traceback:\n  reports.py, line 3\nValueError: no such month")
    stage.complete(spec, Raised(failure), reason=Reason.ERROR)
    text = tq("status", str(spec.id)).text
    assert "reports:build" in text
    assert "failed: ValueError: no such month" in text
    assert "    reports.py, line 3" in text


def test_long_error_is_whole(tq: Tq, stage: Stage) -> None:
    """Into a pipe on its line, on a terminal folded between words."""
    message = " ".join(f"word{number}" for number in range(40))
    spec = stage.submit(work=Python("reports:build"))
    stage.complete(spec, Raised(Failure("ValueError", message)), reason=Reason.ERROR)
    assert f"state      failed: ValueError: {message}" in tq("status", str(spec.id)).text.splitlines()
    with tq.on_terminal("status", str(spec.id), columns=40) as terminal:
        assert terminal.wait() == 0
    lines = terminal.screen.splitlines()
    assert max(map(measure, lines)) <= 40
    assert "…" not in terminal.screen
    assert message in " ".join(terminal.screen.split())


def test_running_job_says_how_to_follow_and_end_it(tq: Tq, stage: Stage) -> None:
    """Hints fit the state."""
    spec = stage.submit()
    stage.start(spec)
    text = tq("status", str(spec.id)).text
    assert f"tq logs {spec.group} -f" in text
    assert f"tq cancel {spec.group}" in text
    assert "tq retry" not in text


def test_control_characters_of_a_job_are_shown_not_obeyed(tq: Tq, stage: Stage) -> None:
    """What somebody submitted must not move the reader's cursor."""
    spec = stage.submit(work=Shell(("printf", "\x1b[2J\nevil")))
    done = tq("status", str(spec.id))
    assert b"\x1b" not in done.stdout
    assert "printf '\\x1b[2J\\nevil'" in done.text


def test_job_as_json_has_every_promised_field(tq: Tq, stage: Stage) -> None:
    """Scripts depend on them; what is not known is null, times are RFC 3339 in UTC."""
    spec = stage.submit()
    job = json.loads(tq("status", str(spec.id), "--json").stdout)
    assert FIELDS - job.keys() == set()
    assert (job["id"], job["kind"], job["state"], job["exit_code"]) == (spec.group, "shell", "queued", None)
    assert job["submitted_at"].endswith("Z")


def test_several_jobs_as_json_are_a_list(tq: Tq, stage: Stage) -> None:
    """In the order that was asked for."""
    specs = [stage.submit() for _ in range(3)]
    jobs = json.loads(tq("status", "--json", *(str(spec.id) for spec in specs)).stdout)
    assert [job["id"] for job in jobs] == [str(spec.id) for spec in specs]


def test_group_is_counted_in_one_line_with_its_failures(tq: Tq, stage: Stage) -> None:
    """And what to type to run only those again."""
    specs = stage.submit_group(range(1, 5), name="batch")
    for spec in specs:
        stage.complete(spec, Exited(spec.index // 4), reason=Reason.EXIT if spec.index == 4 else None)
    text = tq("status", specs[0].group).text
    assert f"group {specs[0].group} (batch): 4 jobs in the queue default" in text
    assert "1 failed, 3 succeeded" in text
    assert f"{specs[0].group}.4  exit code 1" in text
    assert f"tq retry --failed {specs[0].group}" in text


def test_group_fits_a_narrow_screen(tq: Tq, stage: Stage) -> None:
    """What there is no room for is left out: neither half of it nor a mere sign stays."""
    specs = stage.submit_group(range(2), work=Shell(("make", "all")))
    for spec in specs:
        stage.complete(spec, Exited(1), reason=Reason.EXIT)
    with tq.on_terminal("status", specs[0].group, columns=40) as terminal:
        assert terminal.wait() == 0
    lines = terminal.screen.splitlines()
    assert max(map(measure, lines)) <= 40
    assert f"  {specs[0].id}  exit code 1" in lines
    assert f"  tq retry --failed {specs[0].group}" in lines


def test_group_as_json_has_its_counts(tq: Tq, stage: Stage) -> None:
    """Under its own id."""
    specs = stage.submit_group(range(3))
    stage.complete(specs[0])
    group = json.loads(tq("status", "--json", specs[0].group).stdout)
    assert (group["id"], group["size"], group["state"]) == (specs[0].group, 3, "queued")
    assert group["counts"] == {"queued": 2, "succeeded": 1}


def test_id_that_never_existed_is_exit_3(tq: Tq, stage: Stage) -> None:
    """It is no pending job."""
    stage.submit()
    done = tq("status", ABSENT)
    assert (done.code, done.stdout) == (3, b"")
    assert f"no job {ABSENT}" in done.stderr


def test_id_on_an_unused_broker_is_exit_3(tq: Tq) -> None:
    """Missing streams are no outage."""
    assert tq("status", ABSENT).code == 3


def test_one_unknown_id_does_not_hide_the_others(tq: Tq, stage: Stage) -> None:
    """They are shown, and the exit code tells of it."""
    spec = stage.submit()
    done = tq("status", ABSENT, str(spec.id))
    assert done.code == 3
    assert spec.group in done.text
    assert ABSENT in done.stderr


def test_word_that_is_no_id_is_wrong_input(tq: Tq) -> None:
    """Nothing is asked of the broker."""
    done = tq("status", "tomorrow")
    assert done.code == 2
    assert "is not a job id" in done.stderr


def test_mistyped_last_is_told(tq: Tq) -> None:
    """It is no id, either."""
    done = tq("status", "@lst")
    assert (done.code, done.stdout) == (2, b"")
    assert "did you mean @last" in done.stderr


def test_broker_that_is_not_there_is_named(tq: Tq) -> None:
    """Within seconds."""
    done = tq("--server", "nats://127.0.0.1:1", "status", timeout_s=8)
    assert done.code == 69
    assert "127.0.0.1:1" in done.stderr


def test_deadline_is_shown(tq: Tq, stage: Stage) -> None:
    """While the job waits for it; once it has passed, the job is expired."""
    now = datetime.now(UTC)
    spec, late = stage.submit(expires_at=now + timedelta(hours=1)), stage.submit(expires_at=now - timedelta(hours=1))
    assert "expires " in tq("status", str(spec.id)).text
    assert "state      expired" in tq("status", str(late.id)).text
    job = json.loads(tq("status", "--json", str(late.id)).stdout)
    assert (job["state"], datetime.fromisoformat(job["expires_at"])) == ("expired", late.expires_at)
