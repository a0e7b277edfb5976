"""Real agents for tests: each a process of its own, as a user would start it."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import msgspec

from tests.support.eventually import eventually
from tqcli.jetstream.plain import drive
from tqcli.jetstream.records import load_record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.stage import Stage
    from tqcli.core.record import Record
    from tqcli.core.spec import Spec


class AgentProcess:
    """An agent on a stage; killed at the end, if it is still there."""

    def __init__(
        self,
        stage: Stage,
        folder: Path,
        *,
        slots: int = 2,
        queues: tuple[str, ...] = ("default",),
        module: str = "tqcli.agent",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start it, and wait until it says that it takes jobs; `env` is added to this process's environment."""
        self.name = f"agent-{secrets.token_hex(4)}"
        self.log = folder / f"{self.name}.log"
        endpoint = folder / f"{self.name}.json"
        endpoint.write_bytes(msgspec.json.encode(stage.endpoint))
        command = [sys.executable, "-m", module, "--endpoint-file", str(endpoint), "--name", self.name]
        command += ["--slots", str(slots)]
        for queue in queues:
            command += ["--queue", queue]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})}
            )
        eventually(lambda: ", queues " in self.log.read_text() or self.process.poll() is not None, 20)
        assert self.process.poll() is None, self.log.read_text()

    def __enter__(self) -> Self:
        """Return the agent."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it."""
        self.kill()

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(10)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def leave(self, timeout_s: float = 15) -> int:
        """Drain it with SIGTERM; return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout_s)


def read_record(stage: Stage, spec: Spec) -> Record | None:
    """Return a job's record."""
    snapshot = drive(load_record(stage.broker, spec.group, spec.index))
    return None if snapshot is None else snapshot.record


def wait_until_final(stage: Stage, spec: Spec, timeout_s: float = 20) -> Record:
    """Return a job's final record."""

    def final() -> Record | None:
        record = read_record(stage, spec)
        return record if record is not None and record.state.final else None

    record = eventually(final, timeout_s)
    assert record is not None
    return record
