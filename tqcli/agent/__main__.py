"""The agent as the local keeper starts it: `python -m tqcli.agent --endpoint-file FILE …`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import msgspec

from tqcli.agent.service import run_agent
from tqcli.core.endpoint import Endpoint
from tqcli.core.spec import DEFAULT_QUEUE
from tqcli.errors import TqError


def main() -> int:
    """Read the arguments, run the agent, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tqcli.agent")
    parser.add_argument("--endpoint-file", type=Path, required=True, help="JSON: an Endpoint")
    parser.add_argument("--slots", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--name", required=True)
    parser.add_argument("-q", "--queue", action="append", default=None)
    options = parser.parse_args()
    endpoint = msgspec.json.decode(options.endpoint_file.read_bytes(), type=Endpoint)
    try:
        return run_agent(endpoint, queues=options.queue or [DEFAULT_QUEUE], slots=options.slots, name=options.name)
    except TqError as error:
        hint = f"; {error.hint}" if error.hint else ""
        print(f"error: {error}{hint}", file=sys.stderr)  # noqa: T201
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
