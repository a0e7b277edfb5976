"""An agent of its own process, to be killed: `little_agent.py CLAIM [copy]`.

Runs `escape.py`, prints the process ids of its zygote and runner once all of the attempt's processes are there, and
waits. With `copy`, a forked copy of it holds its sockets open.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from tests.integration.process.drive import escape, known_pid, parent_of
from tqcli.process.pool import RunnerPool
from tqcli.process.stop import become_subreaper


async def main() -> None:
    """Run the attempt."""
    claim, mode = sys.argv[1], sys.argv[2]
    become_subreaper()
    async with RunnerPool() as pool:
        runner = await pool.acquire()
        pid = await known_pid(runner)

        def take(_stream: int, chunk: bytes) -> None:
            if b"ready" not in chunk:
                return
            if mode == "copy" and (copy := os.fork()) == 0:
                signal.pause()
            print(parent_of(pid), pid, copy if mode == "copy" else 0, flush=True)  # noqa: T201

        ended = await runner.run(escape(claim, "stay"), on_output=take)
        print(type(ended.how).__name__, flush=True)  # noqa: T201
        again = await (await pool.acquire()).run(escape(claim, "exit"), on_output=lambda *_: None)
        print(type(again.how).__name__, flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
