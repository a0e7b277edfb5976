"""What runs in a state folder, as its keeper says in `server.json`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.endpoint import Endpoint
from tqcli.local.files import SERVER_FILE, is_same_file, try_lock

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES = 1 << 16


class LocalStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A running local broker. `kept`: `tq up` was said. `agent`: it has one, or will in a moment; `agent_pid` then.

    `slots` is None where the agent chose them itself; `sync` is `always` or an interval; `started_at` Unix seconds.
    """

    servers: tuple[str, ...]
    user: str
    password: str
    version: str
    sync: str
    keeper_pid: int
    server_pid: int | None
    agent: bool
    agent_pid: int | None
    slots: int | None
    kept: bool
    started_at: float

    @property
    def endpoint(self) -> Endpoint:
        """How to connect."""
        return Endpoint(servers=self.servers, user=self.user, password=self.password)


def read_status(state: Path) -> LocalStatus | None:
    """Return what runs there, or None. A file that its writer no longer locks says nothing: the writer is dead."""
    path = f"{state}/{SERVER_FILE}"
    while True:
        try:
            fd = os.open(path, os.O_RDONLY)
        except OSError:
            return None
        try:
            if not try_lock(fd, exclusive=False):
                return msgspec.json.decode(os.read(fd, _MAX_BYTES), type=LocalStatus)
            # A dead keeper's, or one that was replaced after we opened it.
            if is_same_file(path, fd):
                return None
        finally:
            os.close(fd)
