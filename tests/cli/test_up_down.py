"""`tq up` and `tq down`: a server and an agent in the background."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.eventually import eventually
from tqcli.jetstream.plain import PlainLink, connect_plain, drive
from tqcli.jetstream.subjects import Names
from tqcli.jetstream.topology import put_consumer, queue_configs
from tqcli.local.status import read_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.tq import Tq


def test_what_is_up_runs_jobs_until_it_is_down(tq: Tq) -> None:
    """Across commands."""
    up = tq("up", "-c", "3")
    assert up.code == 0
    assert up.text.startswith("up: nats-server ")
    assert up.text.endswith("an agent with 3 slots")
    job = tq("submit", "--", "echo", "hello").text
    assert tq("wait", job).code == 0
    assert tq("logs", job).text == "hello"
    down = tq("down")
    assert (down.code, down.text) == (0, "down")


def test_started_twice_says_so(tq: Tq) -> None:
    """And changes nothing."""
    first = json.loads(tq("up", "--json").stdout)
    again = json.loads(tq("up", "--json").stdout)
    assert (first["new"], again["new"], again["pid"]) == (True, False, first["pid"])
    done = tq("up", "-c", "7")
    assert done.code == 0
    assert done.text.startswith("already up:")
    assert "tq down" in done.stderr


def test_doctor_finds_the_local_broker_well(tq: Tq) -> None:
    """It knows of this server that it syncs, and where its disk is."""
    tq("up")
    assert tq("run", "--", "true").code == 0
    done = tq("doctor")
    assert (done.code, done.stderr) == (0, ""), done.text
    assert "free on the disk" in done.text


def test_what_a_command_started_runs_as_it_was(tq: Tq) -> None:
    """It is kept from now on; that it has other slots than were asked for is said."""
    with tq.start("run", "--shell", "--", "echo started; sleep 60") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"started\n"
        done = tq("up", "-c", "77", "--sync", "10s")
        running.kill()
    assert done.text.startswith("up:")
    assert "it runs as it was" in done.stderr


def test_same_wish_in_other_words_is_the_same(tq: Tq) -> None:
    """A minute is 60 seconds."""
    assert tq("up", "--sync", "1m").stderr == ""
    assert tq("up", "--sync", "1m").stderr == ""


def test_agent_of_its_own_is_shown(tq: Tq) -> None:
    """Another one serves as well, and its name comes first."""
    tq("up")
    with tq.start("agent", "--name", "a", "-c", "9") as other:
        eventually(lambda: '"a"' in tq("agents", "--json").text, 20)
        shown = json.loads(tq("up", "--json").stdout)
        other.kill()
    assert shown["agent"] == "local"


def test_agent_that_cant_start_is_told_with_the_reason(tq: Tq) -> None:
    """Here its queue's consumer is not as it needs it; `tq init` mends that, and the agent comes."""
    tq("up")
    tq("run", "--", "true")
    with connect_local(tq) as link:
        config = queue_configs(Names(), "default")[0] | {"ack_wait": 10**9}
        drive(put_consumer(link, Names().jobs, config, action="update"))
    tq("down")
    up = tq("up")
    assert "its agent is still starting" in up.text
    assert "its agent does not start: consumer default-high" in up.stderr
    assert "`tq init`" in up.stderr
    assert tq("init").code == 0
    assert tq("run", "--", "true").code == 0


@contextmanager
def connect_local(tq: Tq) -> Iterator[PlainLink]:
    """Give a link to the broker that this `tq` keeps."""
    status = read_status(tq.state)
    assert status is not None
    link = connect_plain(status.endpoint)
    yield link
    drive(link.close())


def test_nothing_is_left_after_down(tq: Tq) -> None:
    """No process, and the next `down` says so."""
    pid = json.loads(tq("up", "--json").stdout)["pid"]
    assert tq("down").code == 0
    assert eventually(lambda: not Path("/proc", str(pid)).exists(), 10)
    done = tq("down")
    assert (done.code, done.text) == (0, "nothing was up")


def test_jobs_outlive_a_restart(tq: Tq) -> None:
    """What waits is kept."""
    tq("up")
    assert tq("queue", "pause", "default").code == 0
    job = tq("submit", "--", "true").text
    tq("down")
    tq("up")
    assert tq("queue", "resume", "default").code == 0
    assert tq("wait", "--timeout", "20s", job).code == 0


def test_who_waits_finds_the_next_broker(tq: Tq) -> None:
    """The keeper was killed, and its server and agent with it: the next one has another port and password."""
    pid = json.loads(tq("up", "--json").stdout)["pid"]
    assert tq("queue", "pause", "default").code == 0
    group = tq("submit", "--array", "1-2", "--", "true").text
    with tq.on_terminal("wait", group) as waiting:
        waiting.read_until("waiting")
        os.kill(pid, signal.SIGKILL)
        assert tq("up").code == 0
        assert tq("queue", "resume", "default").code == 0
        assert waiting.wait() == 0


def test_sync_is_told(tq: Tq) -> None:
    """Always, unless it was chosen otherwise."""
    assert json.loads(tq("up", "--json").stdout)["sync"] == "always"
    tq("down")
    assert json.loads(tq("up", "--sync", "10s", "--json").stdout)["sync"] == "10s"


def test_wrong_sync_starts_nothing(tq: Tq) -> None:
    """Exit code 2."""
    done = tq("up", "--sync", "often")
    assert (done.code, done.stdout) == (2, b"")
    assert tq("down").text == "nothing was up"


def test_context_in_use_is_pointed_out(tq: Tq) -> None:
    """Else the next command would go elsewhere, unexpectedly."""
    tq("context", "add", "prod", "--server", "nats://127.0.0.1:1", "--no-check", "--use")
    done = tq("up")
    assert done.code == 0
    assert "prod" in done.stderr
    assert tq("--context", "local", "status").code == 0
