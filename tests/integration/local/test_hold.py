"""A command holds the local broker for its own duration."""

from __future__ import annotations

import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.integration.local.folder import (
    Holder,
    await_empty,
    await_names,
    command_line,
    is_alive,
    is_answering,
    is_listening,
    listening,
    open_files,
    port_of,
    running_in,
    take,
)
from tests.support.eventually import eventually
from tqcli.core.endpoint import Endpoint
from tqcli.errors import Forbidden, InvalidInput
from tqcli.local.hold import hold_local
from tqcli.local.status import read_status

if TYPE_CHECKING:
    from pathlib import Path


def test_hold_gives_a_broker_that_answers(state: Path) -> None:
    """With nothing there before."""
    with take(state) as hold:
        assert is_answering(hold.endpoint)
        assert hold.endpoint.name == "local"
        await_names(state, "keeper", "nats-server", "sleep")


def test_nothing_runs_after_the_hold(state: Path) -> None:
    """Not even for a moment."""
    with take(state):
        pass
    assert running_in(state) == []


def test_closing_twice_is_harmless(state: Path) -> None:
    """As for files."""
    hold = take(state)
    hold.close()
    hold.close()
    assert running_in(state) == []


def test_no_agent_runs_where_none_is_wanted(state: Path) -> None:
    """A status needs none."""
    with take(state, agent=False):
        await_names(state, "keeper", "nats-server")


def test_agent_joins_a_broker_that_runs_without(state: Path) -> None:
    """And both share the server."""
    with take(state, agent=False) as first, take(state) as second:
        assert second.status.agent
        assert second.status.server_pid == first.status.server_pid
        await_names(state, "keeper", "nats-server", "sleep")


def test_first_to_leave_does_not_end_it(state: Path) -> None:
    """The last does."""
    first, second = take(state), take(state)
    first.close()
    assert is_answering(second.endpoint)
    second.close()
    assert running_in(state) == []


def test_server_is_reachable_from_this_host_only(state: Path) -> None:
    """It listens on the loopback interface, once, and has no monitoring port."""
    with take(state) as hold:
        assert hold.status.server_pid is not None
        assert listening(hold.status.server_pid) == [f"0100007F:{port_of(hold.endpoint):04X}"]


@pytest.mark.parametrize("change", [{"password": "guess"}, {"user": None, "password": None}])
def test_stranger_is_refused(state: Path, change: dict[str, str | None]) -> None:
    """The port is open to every user of the host; the password isn't."""
    with take(state, agent=False) as hold, pytest.raises(Forbidden):
        is_answering(msgspec.structs.replace(hold.endpoint, **change))


def test_everything_in_the_folder_is_private(state: Path) -> None:
    """Files 0600, folders 0700, whatever the umask."""
    with take(state) as hold:
        assert is_answering(hold.endpoint)
        modes = {str(path.relative_to(state)): path.stat().st_mode & 0o777 for path in state.rglob("*")}
        assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
        assert state.stat().st_mode & 0o777 == 0o700
        assert modes["server.json"] == modes["server.conf"] == 0o600


def test_children_inherit_the_lock_of_the_store_only(state: Path) -> None:
    """The server keeps others out of it; the users' lock, in a child, would never be released."""
    with take(state) as hold:
        await_names(state, "keeper", "nats-server", "sleep")
        assert hold.status.server_pid is not None
        assert [name for name in open_files(hold.status.server_pid, state) if name.endswith((".lock", ".json"))] == [
            "keeper.lock"
        ]
        status = read_status(state)
        assert status is not None
        assert status.agent_pid is not None
        assert set(open_files(status.agent_pid, state)) == {"agent.log"}


def test_password_is_on_no_command_line(state: Path) -> None:
    """Every user of the host may read those."""
    with take(state) as hold:
        lines = [word for pid in running_in(state) for word in command_line(pid)]
        assert not [word for word in lines if str(hold.endpoint.password) in word]


def test_agent_reads_its_endpoint_from_the_file(state: Path) -> None:
    """`server.json` is what `--endpoint-file` names."""
    with take(state) as hold:
        assert msgspec.json.decode((state / "server.json").read_bytes(), type=Endpoint) == hold.endpoint


def test_eight_at_once_share_one_server(state: Path) -> None:
    """Whoever comes first."""
    holders = [Holder(state) for _ in range(8)]
    servers = {holder.await_hold() for holder in holders}
    assert len(servers) == 1
    assert "another keeper has the folder" not in (state / "keeper.log").read_text()
    await_names(state, "keeper", "nats-server", "sleep")
    assert [holder.leave() for holder in holders] == ["gone"] * 8
    assert running_in(state) == []


def test_broker_is_there_for_every_hold_however_they_come_and_go(state: Path) -> None:
    """Leaving and coming meet in every order; a hold without a broker would fail here."""

    def come_and_go(seed: int) -> None:
        draw = random.Random(seed)  # noqa: S311 - no secret
        for _ in range(12):
            with take(state, agent=draw.random() < 0.3) as hold:
                for _ in range(draw.randrange(3)):
                    assert is_answering(hold.endpoint)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, range(4)))
    assert running_in(state) == []


def test_kill_9_of_the_holder_leaves_nothing(state: Path) -> None:
    """The kernel releases its lock."""
    holder = Holder(state)
    holder.await_hold()
    holder.signal(signal.SIGKILL)
    await_empty(state, 3)


def test_kill_9_of_the_holder_ends_an_agent_that_ignores_term(state: Path) -> None:
    """A second later than others."""
    stubborn = ("/bin/sh", "-c", "trap '' TERM; touch ready; while :; do /bin/sleep 0.1; done")
    hold = take(state, command=stubborn)
    holder = Holder(state)
    holder.await_hold()
    hold.close()
    holder.signal(signal.SIGKILL)
    await_empty(state, 6)


def test_ctrl_c_leaves_nothing(state: Path) -> None:
    """Not even when the command is gone."""
    holder = Holder(state)
    holder.await_hold()
    holder.signal(signal.SIGINT)
    assert running_in(state) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("file", ["users.lock", "keeper.log", "keeper.lock", "server.conf", "server.json"])
def test_end_at_any_moment_of_the_start_leaves_nothing(state: Path, file: str, number: signal.Signals) -> None:
    """The keeper may be there already, or not yet."""
    holder = Holder(state)
    eventually((state / file).exists, timeout_s=5)
    holder.signal(number)
    await_empty(state, 3)
    with take(state) as hold:
        assert is_answering(hold.endpoint)


def test_kill_9_of_the_keeper_leaves_nothing(state: Path) -> None:
    """The kernel kills its server and its agent."""
    with take(state) as hold:
        os.kill(hold.status.keeper_pid, signal.SIGKILL)
        await_empty(state, 1)
        # A process's main thread may be gone a moment before those that hold its sockets.
        eventually(lambda: not is_listening(hold.endpoint), timeout_s=1)


def test_broker_comes_back_after_kill_9_of_the_keeper(state: Path) -> None:
    """Also while the old hold is still there; what the dead keeper left is no obstacle."""
    with take(state) as old:
        os.kill(old.status.keeper_pid, signal.SIGKILL)
        eventually(lambda: not is_alive(old.status.keeper_pid), timeout_s=5)
        with take(state) as new:
            assert is_answering(new.endpoint)
            assert not is_alive(old.status.server_pid)
    assert running_in(state) == []


@pytest.mark.parametrize(
    "name", ["server.json", "server.conf", "keeper.lock", "users.lock", "keeper.fifo", "server.log"]
)
def test_stale_file_is_no_obstacle(state: Path, name: str) -> None:
    """Locks count, not files."""
    state.mkdir(mode=0o700)
    (state / name).write_text('{"keeper_pid": 1, "servers": ["nats://127.0.0.1:1"]}')
    with take(state) as hold:
        assert is_answering(hold.endpoint)
    assert running_in(state) == []


def test_two_folders_never_meet(state: Path, tmp_path: Path) -> None:
    """Two servers, two passwords, and neither lets the other's user in."""
    with take(state) as one, take(tmp_path / "other") as two:
        assert is_answering(one.endpoint)
        assert is_answering(two.endpoint)
        with pytest.raises(Forbidden):
            is_answering(msgspec.structs.replace(one.endpoint, password=two.endpoint.password))
    assert running_in(state) == running_in(tmp_path / "other") == []


def test_every_write_is_synced_by_default(state: Path) -> None:
    """An accepted job survives a power cut."""
    with take(state, agent=False) as hold:
        assert 'sync_interval: "always"' in (state / "server.conf").read_text()
        assert hold.status.sync == "always"


@pytest.mark.parametrize(
    ("text", "value"), [("always", "always"), ("1500ms", "1500ms"), ("2m", "120s"), ("1d", "86400s")]
)
def test_sync_interval_reaches_the_server(state: Path, text: str, value: str) -> None:
    """In a unit that it knows; it starts with it."""
    with hold_local(agent=False, state=state, sync=text) as hold:
        assert f'sync_interval: "{value}"' in (state / "server.conf").read_text()
        assert hold.status.sync == value


@pytest.mark.parametrize("text", ["", "10", "never", "0s", "1us", '1s" }'])
def test_wrong_sync_interval_starts_nothing(state: Path, text: str) -> None:
    """It is refused first."""
    with pytest.raises(InvalidInput):
        hold_local(agent=False, state=state, sync=text)
    assert not state.exists()
