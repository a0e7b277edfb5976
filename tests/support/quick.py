"""`tq` within the test's own process: for tests of many commands, none of which needs a process of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.support.tq import PATIENCE_S, Ended, Tq
from tqcli.cli.app import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest


class QuickTq(Tq):
    """The command with the state, settings and home of another one, called as a function."""

    def __init__(self, tq: Tq, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the environment that of `tq`, up to the end of the test; `capfd` gets what is written."""
        super().__init__(tq.home)
        self._capfd = capfd
        for name in [*os.environ]:
            if name.startswith(("TQ_", "LC_", "XDG_", "TZ", "NO_COLOR")):
                monkeypatch.delenv(name)
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tq.home)

    def __call__(
        self,
        *words: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> Ended:
        """Return how the command ended; one with an environment, a directory or input of its own is a process."""
        if stdin or env or cwd:
            return super().__call__(*words, stdin=stdin, env=env, cwd=cwd, timeout_s=timeout_s)
        self._capfd.readouterr()
        code = run(words)
        out, err = self._capfd.readouterr()
        return Ended(code, out.encode(), err)
