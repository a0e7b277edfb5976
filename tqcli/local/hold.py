"""Hold the local broker: it runs at least until the hold is closed, and no longer than the last hold."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tqcli.errors import Unavailable
from tqcli.local.files import USERS_LOCK, open_lock, try_lock, unlock
from tqcli.local.start import Want, ensure_keeper, parse_sync, poke
from tqcli.local.status import LocalStatus, read_status
from tqcli.settings.files import ensure_folder, refuse_folder
from tqcli.settings.paths import STATE_VARIABLE, state_dir

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from tqcli.core.endpoint import Endpoint

_ENTER_S = 20.0
"""A keeper that is told to stop gives its agent ten seconds, and its server three."""
_LEAVE_S = 5.0
_POLL_S = 0.005
_SURE = 3
"""So often in a row must others be seen: one look may have met another look."""


class LocalHold:
    """A shared hold on the local broker; a context manager. The kernel ends it with the process."""

    def __init__(self, state: Path, want: Want, lock: int, status: LocalStatus) -> None:
        """`lock` is the users' lock, held."""
        self.status = status
        self._state = state
        self._want = want
        self._lock = lock

    @property
    def endpoint(self) -> Endpoint:
        """How to connect."""
        return self.status.endpoint

    def look_again(self) -> LocalStatus | None:
        """Return what runs now: another keeper may have followed ours. It is told what we want. None: nothing runs."""
        status = read_status(self._state)
        if status is not None and not self._want.is_met(status):
            poke(self._state, self._want.wishes)
        return status

    def close(self) -> None:
        """Let go. The last one waits until nothing runs any more, for five seconds at most."""
        if self._lock < 0:
            return
        lock, self._lock = self._lock, -1
        # Of several who leave at once, the last to try gets it.
        is_last = try_lock(lock, exclusive=True)
        os.close(lock)
        if is_last:
            _await_end(self._state)

    def leave_to_parent(self) -> None:
        """Give up the copy of the hold that a fork made for its child; the parent's is what it was."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def hold_local(
    *, agent: bool, state: Path | None = None, sync: str | None = None, command: Sequence[str] | None = None
) -> LocalHold:
    """Return a hold on the local broker, which takes connections now; with `agent`, it has an agent too.

    What is missing is started. `sync` (`always`, or a duration) and `command` (to run in place of tq's agent) count
    only where it did not run before.

    Raises:
        InvalidInput: `sync` is neither.
        SettingsError: the state folder can't be used, or nats-server is missing or too old.
        Unavailable: the disk is full, or the server does not start.
    """
    want = Want(agent=agent, sync=parse_sync(sync), command=None if command is None else tuple(command))
    return hold(find_state(state), want)


def hold(state: Path, want: Want) -> LocalHold:
    """Return a hold on a keeper that knows what we want; raises as `hold_local`."""
    lock = _enter(state)
    try:
        return LocalHold(state, want, lock, ensure_keeper(state, want))
    except BaseException:
        os.close(lock)
        poke(state, "check\n")
        raise


def find_state(state: Path | None) -> Path:
    """Return the state folder, absolute and there; the user's own for None."""
    folder = state_dir() if state is None else Path(state).absolute()
    return ensure_folder(folder, variable=STATE_VARIABLE)


def _enter(state: Path) -> int:
    """Return the users' lock, shared; wait for a keeper that is just leaving."""
    try:
        lock = open_lock(str(state), USERS_LOCK)
    except OSError as error:
        raise refuse_folder(state, error, variable=STATE_VARIABLE) from error
    deadline = time.monotonic() + _ENTER_S
    try:
        while not try_lock(lock, exclusive=False):
            if time.monotonic() > deadline:
                msg = f"the local broker in {state} is stopping, and does not end"
                raise Unavailable(msg, hint="try again")  # noqa: TRY301 - the lock is closed either way
            time.sleep(_POLL_S)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _await_end(state: Path) -> None:
    """Tell the keeper that the last user left; return when it is gone, or stays for somebody else."""
    status = read_status(state)
    if status is None or status.kept:
        return
    try:
        keeper = os.pidfd_open(status.keeper_pid)
    except OSError:
        return
    lock = open_lock(str(state), USERS_LOCK)
    try:
        deadline = time.monotonic() + _LEAVE_S
        poke(state, "check\n")
        others = 0
        while others < _SURE and not has_ended(keeper, _POLL_S) and time.monotonic() < deadline:
            if try_lock(lock, exclusive=True):
                # Nobody has it: the keeper did not look yet, or just while we did.
                unlock(lock)
                poke(state, "check\n")
                others = 0
            elif try_lock(lock, exclusive=False):
                # Somebody came in between; or looks, as we do.
                unlock(lock)
                others += 1
            else:
                # The keeper has it for itself: it is stopping.
                others = 0
    finally:
        os.close(lock)
        os.close(keeper)


def has_ended(process: int, timeout_s: float) -> bool:
    """Return whether the process of this pidfd ends within the time."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
