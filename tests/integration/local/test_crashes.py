"""What the keeper does when its children crash, and what is left of the store."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import msgspec

from tests.integration.local.folder import STAND_IN, await_empty, is_answering, running_in, take
from tests.support.eventually import eventually
from tqcli.errors import Unavailable
from tqcli.jetstream.plain import PlainLink, connect_plain, drive
from tqcli.local.files import open_lock
from tqcli.local.find import find_server
from tqcli.local.notice import Notice
from tqcli.local.server import Server
from tqcli.local.services import Services
from tqcli.local.status import LocalStatus, read_status

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tqcli.core.endpoint import Endpoint

_STREAM = {"name": "KEPT", "subjects": ["kept.>"], "storage": "file"}


def request(endpoint: Endpoint, subject: str, body: bytes = b"") -> dict[str, object]:
    """Return the answer of JetStream's API to one request."""
    link = connect_plain(endpoint)
    try:
        answer = drive(_post(link, subject, body))
    finally:
        drive(link.close())
    decoded: dict[str, object] = msgspec.json.decode(answer)
    return decoded


async def _post(link: PlainLink, subject: str, body: bytes) -> bytes:
    return (await link.post(subject, body)).body


def store(endpoint: Endpoint, *words: bytes) -> None:
    """Store the words, each acknowledged."""
    assert "error" not in request(endpoint, "$JS.API.STREAM.CREATE.KEPT", msgspec.json.encode(_STREAM))
    for word in words:
        assert request(endpoint, "kept.word", word)["stream"] == "KEPT"


def stored(endpoint: Endpoint) -> object:
    """Return the number of words stored."""
    answer = request(endpoint, "$JS.API.STREAM.INFO.KEPT")
    return msgspec.convert(answer["state"], dict[str, object])["messages"]


def status_of(state: Path) -> LocalStatus:
    """Return what runs; something must."""
    status = read_status(state)
    assert status is not None
    return status


def test_crashed_server_comes_back_where_it_was(state: Path) -> None:
    """Same port, same password: its clients just reconnect."""
    with take(state) as hold:
        store(hold.endpoint, b"one")
        assert hold.status.server_pid is not None
        os.kill(hold.status.server_pid, signal.SIGKILL)
        eventually(lambda: status_of(state).server_pid not in {None, hold.status.server_pid}, timeout_s=5)
        assert status_of(state).endpoint == hold.endpoint
        eventually(lambda: _answers(hold.endpoint), timeout_s=5)
        assert stored(hold.endpoint) == 1
    assert running_in(state) == []


def _answers(endpoint: Endpoint) -> bool:
    try:
        return is_answering(endpoint)
    except Unavailable:
        return False


def test_keeper_outlives_a_server_that_finds_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries again: others free some space, and then everything goes on."""
    monkeypatch.chdir(tmp_path)
    full = True

    def launch() -> int:
        if full:
            msg = "the disk is full"
            raise Unavailable(msg)
        return os.posix_spawn("/bin/true", ["true"], os.environ)

    server = Server(find_server(), sync="always", store_lock=open_lock(".", "keeper.lock"))
    monkeypatch.setattr(server, "launch", launch)
    services = Services(server, Notice(), agent=STAND_IN)
    services.nats.turn_on()
    services.mend()
    assert (services.nats.pid, services.nats.on) == (None, True)
    full = False

    def mended() -> bool:
        services.mend()
        return services.nats.pid is not None

    eventually(mended, timeout_s=10)
    pid = services.nats.pid
    services.retract()
    assert pid is not None
    os.waitpid(pid, 0)


def test_crashed_agent_is_started_again(state: Path) -> None:
    """As often as it takes."""
    with take(state):
        for _ in range(2):
            old = eventually(lambda: status_of(state).agent_pid, timeout_s=5)
            assert old is not None
            os.kill(old, signal.SIGKILL)
            eventually(lambda: status_of(state).agent_pid not in {None, old}, timeout_s=5)  # noqa: B023 - called here
    assert running_in(state) == []


def test_agent_that_can_not_start_does_not_spin(state: Path) -> None:
    """The pauses between its starts grow; its log says why."""
    with take(state, command=("/nowhere/agent",)):
        log = state / "keeper.log"
        eventually(lambda: log.read_text().count("agent ended with 127") == 3, timeout_s=5)
        assert "/nowhere/agent can't be started: No such file" in (state / "agent.log").read_text()
    assert running_in(state) == []


def test_agent_that_leaves_is_not_started_again_until_one_is_wanted(state: Path) -> None:
    """It was drained."""
    until_told = ("/bin/sh", "-c", "until [ -e leave ]; do sleep 0.01; done; rm leave")
    with take(state, command=until_told):
        (state / "leave").touch()
        eventually(lambda: not status_of(state).agent, timeout_s=5)
        assert "agent ended with 0" in (state / "keeper.log").read_text()
        with take(state) as second:
            assert second.status.agent
            assert status_of(state).agent_pid is not None


def test_store_survives_the_end_of_the_broker(state: Path) -> None:
    """A job submitted today runs tomorrow."""
    with take(state, agent=False) as hold:
        store(hold.endpoint, b"one", b"two")
    with take(state, agent=False) as hold:
        assert stored(hold.endpoint) == 2


def test_store_survives_kill_9_of_everything(state: Path) -> None:
    """What was acknowledged is there."""
    with take(state, agent=False) as hold:
        store(hold.endpoint, b"one", b"two")
        for pid in running_in(state):
            os.kill(pid, signal.SIGKILL)
        await_empty(state, 5)
    with take(state, agent=False) as hold:
        assert stored(hold.endpoint) == 2


def test_agent_sees_the_umask_of_the_user(state: Path) -> None:
    """The server's files are private; a job's are its user's business."""
    old = os.umask(0o022)
    try:
        with take(state, command=("/bin/sh", "-c", "umask > mask; exec sleep 1000")):
            mask = state / "mask"
            assert eventually(lambda: mask.exists() and mask.read_text(), timeout_s=5) == "0022\n"
            assert (state / "server.json").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(old)


def test_large_log_starts_anew(state: Path) -> None:
    """They don't grow for ever."""
    state.mkdir(mode=0o700)
    (state / "server.log").write_bytes(b"x" * (10 << 20) + b"x")
    (state / "agent.log").write_bytes(b"kept\n")
    with take(state, command=("/bin/sh", "-c", "echo new; exec sleep 1000")):
        assert (state / "server.log").stat().st_size < 1 << 20
        eventually(lambda: (state / "agent.log").read_bytes() == b"kept\nnew\n", timeout_s=5)
