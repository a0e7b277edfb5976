"""What to run: complete, so that starting it needs no look at the agent's own surroundings."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Command(msgspec.Struct, frozen=True):
    """One program with everything it will see.

    Where `cwd` is not there (or empty) and `may_make_cwd`, it gets a fresh directory, which is removed after it ended.
    `env` is the whole environment, `stdin` its bytes or a file (None: /dev/null). `args` is handed over as an open
    file whose number is in TQ_ARGS_FD; with `wants_result` there is one to write to in TQ_RESULT_FD.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    stdin: bytes | Path | None = None
    wants_result: bool = False
    args: bytes | None = None
    may_make_cwd: bool = False
