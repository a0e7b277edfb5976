"""The real command `tq`, with a state, settings and home of its own."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from tests.support.stage import Stage

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
CTRL_C, CTRL_BACKSLASH = b"\x03", b"\x1c"
COLUMNS, ROWS = 80, 24


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Its stdout as text, without the last newline."""
        return self.stdout.decode().removesuffix("\n")


class Tq:
    """`tq` for one test: `tq("ls")` runs it, `tq.start(…)` lets it run, `tq.on_terminal(…)` gives it a terminal."""

    def __init__(self, home: Path, env: Mapping[str, str] | None = None) -> None:
        """Keep everything below `home`; `env` is added to a small, known environment."""
        self.home = home
        self.state = home / "state"
        self.env = {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "TQ_CONFIG_DIR": str(home / "config"),
            "TQ_STATE_DIR": str(self.state),
            **(env or {}),
        }

    def __call__(
        self,
        *words: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> Ended:
        """Return how the command ended; fail after `timeout_s`."""
        done = subprocess.run(
            self.argv(words),
            input=stdin,
            capture_output=True,
            env={**self.env, **(env or {})},
            cwd=cwd or self.home,
            timeout=timeout_s,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    def start(
        self, *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Return the running command with pipes for stdin, stdout and stderr: close it with `with`."""
        return subprocess.Popen(
            self.argv(words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.env, **(env or {})},
            cwd=cwd or self.home,
        )

    def shell(self, line: str, *, shell: str = "bash", env: Mapping[str, str] | None = None) -> Ended:
        """Return how a line of a shell ended in which `tq` is this command, and `pipefail` is on."""
        program = " ".join(self.argv(()))
        script = f'set -o pipefail; tq() {{ {program} "$@"; }}; {line}'
        done = subprocess.run(
            [shell, "-c", script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**self.env, **(env or {})},
            cwd=self.home,
            timeout=PATIENCE_S,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    def on_terminal(
        self, *words: str, env: Mapping[str, str] | None = None, stdout: int | None = None, columns: int = COLUMNS
    ) -> Terminal:
        """Return the command running on a terminal of its own; with `stdout`, a descriptor, only its rest is there."""
        return Terminal(self.argv(words), {**self.env, **(env or {})}, self.home, stdout=stdout, columns=columns)

    @staticmethod
    def argv(words: Sequence[str]) -> list[str]:
        """Return the command line that starts this very tq."""
        return [sys.executable, "-m", "tqcli", *words]


def make_staged_tq(stage: Stage, home: Path) -> Tq:
    """Return a `tq` at `home` whose context in use is this stage."""
    config = home / "config"
    config.mkdir(parents=True)
    endpoint = stage.endpoint
    config.joinpath("contexts.toml").write_text(
        f"""
        current = "stage"
        [contexts.stage]
        servers = ["{endpoint.servers[0]}"]
        user = "{endpoint.user}"
        password = "{endpoint.password}"
        namespace = "{endpoint.namespace}"
        """
    )
    return Tq(home)


class Terminal:
    """A program on a pseudo-terminal, which is its controlling one: `send(CTRL_C)`."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, *, stdout: int | None, columns: int
    ) -> None:
        """Start it."""
        self._master, slave = os.openpty()
        termios.tcsetwinsize(slave, (ROWS, columns))
        try:
            self.process = subprocess.Popen(
                argv,
                stdin=slave,
                stdout=slave if stdout is None else stdout,
                stderr=slave,
                env=env,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_take_terminal,  # noqa: PLW1509 - one system call, in a test without threads
            )
        finally:
            os.close(slave)
        self.screen = ""

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill what still runs, and close the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def send(self, data: bytes) -> None:
        """Type."""
        os.write(self._master, data)

    def read_until(self, text: str, timeout_s: float = PATIENCE_S) -> str:
        """Return everything written so far, once `text` is in it."""
        deadline = time.monotonic() + timeout_s
        while text not in self.screen:
            assert self._read(deadline - time.monotonic()), f"no {text!r} in {self.screen!r}"
        return self.screen

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """Return the exit code, having read everything up to the end."""
        deadline = time.monotonic() + timeout_s
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(max(deadline - time.monotonic(), 0.1))

    def _read(self, timeout_s: float) -> bool:
        """Return whether more was written within `timeout_s`, adding it to `screen`."""
        ready, _, _ = select.select([self._master], [], [], max(timeout_s, 0))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # Linux reports EIO once the last process has closed the terminal.
            return False
        self.screen += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
