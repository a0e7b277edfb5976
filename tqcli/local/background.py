"""The local broker in the background: `tq up` and `tq down`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from tqcli.core.check import check_slots
from tqcli.errors import Unavailable
from tqcli.local.hold import find_state, has_ended, hold
from tqcli.local.start import Want, parse_sync, poke
from tqcli.local.status import LocalStatus, read_status
from tqcli.settings.paths import state_dir

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DOWN_S = 20.0


class Kept(NamedTuple):
    """What runs after `tq up`, and whether it was up `before`. What ran already is as it was, whatever was asked."""

    status: LocalStatus
    before: bool


def keep_local(
    *,
    slots: int | None = None,
    sync: str | None = None,
    state: Path | None = None,
    command: Sequence[str] | None = None,
) -> Kept:
    """Keep the local broker and an agent running until `release_local`.

    Arguments and errors are those of `hold_local`; an agent with `slots` None chooses them itself.
    """
    if slots is not None:
        check_slots(slots)
    want = Want(
        agent=True,
        keep=True,
        slots=slots,
        sync=parse_sync(sync),
        command=None if command is None else tuple(command),
    )
    folder = find_state(state)
    status = read_status(folder)
    with hold(folder, want) as held:
        return Kept(held.status, before=status is not None and status.kept)


def release_local(*, state: Path | None = None) -> bool:
    """Stop what `keep_local` keeps, also where commands are using it, and return True; False where nothing is kept.

    A broker that only the commands now using it keep alive is theirs: it ends with them.

    Raises:
        Unavailable: it does not end within 20 seconds.
    """
    folder = state_dir() if state is None else state.absolute()
    status = read_status(folder)
    if status is None or not status.kept:
        return False
    try:
        keeper = os.pidfd_open(status.keeper_pid)
    except ProcessLookupError:
        return False
    try:
        # Its number may have passed to another process while we opened it; not if the keeper is still there now.
        if read_status(folder) is None:
            return False
        poke(folder, "stop\n")
        if not has_ended(keeper, _DOWN_S):
            msg = f"the local broker in {folder} (pid {status.keeper_pid}) does not end"
            raise Unavailable(msg, hint=f"kill -9 {status.keeper_pid} ends all of it; no accepted job is lost")
    finally:
        os.close(keeper)
    return True


def local_status(*, state: Path | None = None) -> LocalStatus | None:
    """Return what runs, None for nothing; starts nothing and waits for nobody."""
    return read_status(state_dir() if state is None else state.absolute())
