"""What to run: complete, so that starting it needs no look at the agent's own surroundings."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Call(msgspec.Struct, frozen=True):
    """What a warm worker needs instead of a new process: the function, and the variables that differ from job to job.

    A worker serves the jobs of one `key`: what can't be changed in a living interpreter, and the modules it loads.
    """

    entrypoint: str
    variables: dict[str, str]
    key: tuple[str, ...]


class Command(msgspec.Struct, frozen=True):
    """One program with everything it will see.

    Where `cwd` is not there (or empty) and `may_make_cwd`, it gets a fresh directory, which is removed after it ended.
    `env` is the whole environment, `stdin` its bytes or a file (None: /dev/null). `args` is handed over as an open
    file whose number is in TQ_ARGS_FD; with `wants_result` there is one to write to in TQ_RESULT_FD.
    With `call` a warm worker may do the same.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    stdin: bytes | Path | None = None
    wants_result: bool = False
    args: bytes | None = None
    may_make_cwd: bool = False
    call: Call | None = None
