"""What jobs print on its way to the broker: whole, capped, and never in the job's way."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.agent.test_attempts import printed, shell
from tests.integration.agent.test_steering import wait_until_running
from tests.support.agents import AgentProcess, wait_until_final
from tests.support.eventually import eventually
from tests.support.server import NatsServer
from tests.support.stage import Stage
from tqcli.agent import printing
from tqcli.agent.printing import LogPump, LogSender
from tqcli.core.endpoint import Endpoint
from tqcli.core.state import State
from tqcli.jetstream.api import call
from tqcli.jetstream.broker import Broker
from tqcli.jetstream.connection import connect
from tqcli.jetstream.logs import CUT, STDERR, STDOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.agent.conftest import StartAgent
    from tqcli.core.record import Output
    from tqcli.core.spec import Spec
    from tqcli.jetstream.link import Link, Message

CHUNK_BYTES = 64 * 1024
MEBIBYTE = 1024 * 1024


def make_noise(size: int) -> bytes:
    """Return bytes among which are NUL, invalid UTF-8, and lines of any length."""
    return random.Random(size).randbytes(size)  # noqa: S311  (always the same)


def pump(stage: Stage, spec: Spec, data: bytes, *, cap_bytes: int = printing.CAP_BYTES) -> Output | None:
    """Bring data to the broker as the output of a job's first attempt; return the counts."""

    async def bring() -> Output | None:
        link = await connect(stage.endpoint)
        try:
            subject = stage.names.log(spec.group, spec.index, 1)
            pump = LogPump(LogSender(Broker(link, stage.names)), subject, cap_bytes=cap_bytes)
            for start in range(0, len(data), CHUNK_BYTES):
                pump.feed(STDOUT, data[start : start + CHUNK_BYTES])
            async with asyncio.timeout(30):
                return await pump.close()
        finally:
            await link.close()

    return asyncio.run(bring())


def change_logs(stage: Stage, **changes: object) -> None:
    """Change the configuration of the log stream."""
    config = stage.run(call(stage.link, f"STREAM.INFO.{stage.names.logs}"))["config"]
    stage.run(call(stage.link, f"STREAM.UPDATE.{stage.names.logs}", config | changes))


def test_output_is_identical(stage: Stage, start_agent: StartAgent, tmp_path: Path) -> None:
    """Noise, then a line of 5 MB; both streams at once."""
    noise, line = make_noise(3_000_001), b"x" * 5_000_000 + b"\n"
    (tmp_path / "out").write_bytes(noise + line)
    (tmp_path / "err").write_bytes(line + noise)
    start_agent()
    spec = stage.submit(work=shell(f"cat {tmp_path}/err >&2 & cat {tmp_path}/out; wait"))
    record = wait_until_final(stage, spec)
    assert record.output is not None
    assert (record.output.stdout, record.output.stderr, record.output.dropped) == (8_000_002, 8_000_002, 0)
    assert digest(printed(stage, spec, STDOUT)) == digest(noise + line)
    assert digest(printed(stage, spec, STDERR)) == digest(line + noise)


def digest(data: bytes) -> str:
    """Return what is short enough for a failure's message."""
    return hashlib.sha256(data).hexdigest()


def test_a_job_prints_on_while_the_broker_is_away(fresh_server: NatsServer, tmp_path: Path) -> None:
    """Nothing holds it up, and when the broker is back all of it is delivered."""
    stage = Stage(fresh_server.endpoint, "tq")
    stage.open("default")
    data = make_noise(20 * MEBIBYTE)
    (tmp_path / "data").write_bytes(data)
    os.mkfifo(tmp_path / "go")
    line = f"read word < {tmp_path}/go; cat {tmp_path}/data; touch {tmp_path}/done"
    with AgentProcess(stage, tmp_path):
        spec = stage.submit(work=shell(line))
        wait_until_running(stage, spec)
        fresh_server.stop()
        (tmp_path / "go").write_text("word\n")
        eventually((tmp_path / "done").exists, 20)
        fresh_server.start()
        record = wait_until_final(stage, spec, 40)
        out = printed(stage, spec, STDOUT)
    stage.close()
    assert (record.state, record.attempt, record.losses) == (State.SUCCEEDED, 1, 0)
    assert record.output is not None
    assert (record.output.stdout, record.output.dropped) == (len(data), 0)
    assert digest(out) == digest(data)


@pytest.mark.parametrize("beyond", [0, 1, MEBIBYTE])
def test_up_to_the_cap_nothing_is_cut(stage: Stage, beyond: int) -> None:
    """Beyond it there are head and tail, and what the cut says is missing between them is."""
    cap_bytes = 3 * MEBIBYTE
    data = make_noise(cap_bytes + beyond)
    spec = stage.submit()
    output = pump(stage, spec, data, cap_bytes=cap_bytes)
    assert output is not None
    out = printed(stage, spec, STDOUT)
    assert len(out) == len(data) - output.dropped >= cap_bytes
    if not output.dropped:
        assert digest(out) == digest(data)
        return
    assert printed(stage, spec, CUT) == str(output.dropped).encode()
    assert out[: 2 * MEBIBYTE] == data[: 2 * MEBIBYTE]
    assert out[-MEBIBYTE:] == data[-MEBIBYTE:]


def delete_stream(stage: Stage) -> None:
    """Delete the log stream."""
    stage.clear()


def make_small(stage: Stage) -> None:
    """Let the log stream take messages of a few bytes only."""
    change_logs(stage, max_msg_size=100)


def seal(stage: Stage) -> None:
    """Let the log stream take no more."""
    change_logs(stage, sealed=True)


@pytest.mark.parametrize("spoil", [delete_stream, make_small, seal])
def test_a_log_that_can_t_be_stored_is_dropped(stage: Stage, spoil: Callable[[Stage], None]) -> None:
    """It is counted, and holds up no job."""
    spec = stage.submit()
    spoil(stage)
    output = pump(stage, spec, make_noise(3 * MEBIBYTE))
    assert output is not None
    assert (output.stdout, output.dropped) == (3 * MEBIBYTE, 3 * MEBIBYTE)


def test_messages_are_as_large_as_the_server_takes() -> None:
    """Also where that has become less since the agent came, which would not have started then."""
    data = make_noise(MEBIBYTE)
    with NatsServer(config="max_payload: 64KB") as server:
        stage = Stage(server.endpoint, "tq")
        stage.open("default")
        spec = stage.submit()
        output = pump(stage, spec, data)
        out = printed(stage, spec, STDOUT)
        stage.close()
    assert output is not None
    assert (output.stdout, output.dropped) == (MEBIBYTE, 0)
    assert digest(out) == digest(data)


@pytest.fixture
def strict_server() -> Iterator[NatsServer]:
    """Return a server on which `mute` may not publish logs."""
    password = secrets.token_hex(8)
    users = f"""
    authorization {{ users = [
        {{ user: "tq", password: "{password}" }}
        {{ user: "mute", password: "{password}", permissions: {{ publish: {{ deny: ["tq.log.>"] }} }} }}
    ] }}
    """
    with NatsServer(config=users) as server:
        server.password = password
        yield server


def test_a_log_that_may_not_be_stored_holds_up_no_job(strict_server: NatsServer, tmp_path: Path) -> None:
    """The job ends, with its output counted as dropped, and its agent leaves."""
    stage, agents = (
        Stage(Endpoint(servers=(strict_server.url,), user=name, password=strict_server.password), "tq")
        for name in ("tq", "mute")
    )
    stage.open("default")
    with AgentProcess(agents, tmp_path) as agent:
        spec = stage.submit(work=shell("head -c 1048576 /dev/zero"))
        record = wait_until_final(stage, spec)
        assert agent.leave() == 0
    out = printed(stage, spec, STDOUT)
    stage.close()
    agents.close()
    assert record.state is State.SUCCEEDED
    assert record.output is not None
    assert (record.output.stdout, record.output.dropped, out) == (MEBIBYTE, MEBIBYTE, b"")


class Counter:
    """A link that counts the bytes of the requests under way, and remembers the most."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._under_way_bytes = 0
        self.most_bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    async def post(self, subject: str, body: bytes = b"", **options: Any) -> Message:
        """Ask."""
        self._under_way_bytes += len(body)
        self.most_bytes = max(self.most_bytes, self._under_way_bytes)
        try:
            return await self._link.post(subject, body, **options)
        finally:
            self._under_way_bytes -= len(body)


def test_logs_leave_room_for_leases_on_the_connection(stage: Stage) -> None:
    """However many jobs print at once, no more than 4 MiB are under way; and each job gets its turn."""
    specs = [stage.submit() for _ in range(12)]
    data = make_noise(2 * MEBIBYTE)

    async def bring() -> int:
        link = await connect(stage.endpoint)
        counter = Counter(link)
        sender = LogSender(Broker(counter, stage.names))
        pumps = [LogPump(sender, stage.names.log(spec.group, spec.index, 1)) for spec in specs]
        for pump in pumps:
            for start in range(0, len(data), CHUNK_BYTES):
                pump.feed(STDERR, data[start : start + CHUNK_BYTES])
        outputs = await asyncio.gather(*(pump.close() for pump in pumps))
        await link.close()
        assert {output and output.dropped for output in outputs} == {0}
        return counter.most_bytes

    assert MEBIBYTE < asyncio.run(bring()) <= 4 * MEBIBYTE
    assert {digest(printed(stage, spec, STDERR)) for spec in specs} == {digest(data)}


def test_without_room_for_waiting_output_head_and_tail_are_kept(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full costs the middle of a log, not the job."""
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    data = make_noise(6 * MEBIBYTE)
    spec = stage.submit()
    output = pump(stage, spec, data)
    assert output is not None
    assert 0 < output.dropped <= 4 * MEBIBYTE
    out = printed(stage, spec, STDOUT)
    assert len(out) == len(data) - output.dropped
    assert (out[: MEBIBYTE // 2], out[-MEBIBYTE:]) == (data[: MEBIBYTE // 2], data[-MEBIBYTE:])
    assert printed(stage, spec, CUT) == str(output.dropped).encode()
