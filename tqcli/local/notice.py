"""`server.json`: what the keeper says of itself. It is locked by its writer, so that a reader can tell a dead one's."""

from __future__ import annotations

import os

from tqcli.local.files import PRIVATE_FILE, SERVER_FILE, try_lock

_DRAFT = f"{SERVER_FILE}.new"
_WORDS = {None: "null", True: "true", False: "false"}


class Notice:
    """The keeper's side of `server.json`, in the working directory."""

    def __init__(self) -> None:
        """Nothing is written yet; what an earlier keeper left is taken away."""
        self._fd: int | None = None
        self.retract()

    def publish(self, facts: dict[str, object]) -> None:
        """Replace the file in one step. Readers see the old one or the new one, locked either way."""
        fd = os.open(_DRAFT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
        try:
            try_lock(fd, exclusive=True)
            os.write(fd, _encode(facts).encode())
            os.replace(_DRAFT, SERVER_FILE)  # noqa: PTH105 - no pathlib in the keeper's start
        except OSError:
            os.close(fd)
            raise
        if self._fd is not None:
            os.close(self._fd)
        self._fd = fd

    def retract(self) -> None:
        """Take the file away: who looks for the broker now finds none."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        try:
            os.remove(SERVER_FILE)  # noqa: PTH107 - as above
        except FileNotFoundError:
            return


def _encode(value: object) -> str:
    """Return it as JSON. The json module would cost a waiting user 12 ms, and no text here needs an escape."""
    match value:
        case None | True | False:
            return _WORDS[value]
        case int() | float():
            return repr(value)
        case str():
            return f'"{value}"'
        case list():
            return f"[{', '.join(map(_encode, value))}]"
        case dict():
            return f"{{{', '.join(f'{_encode(key)}: {_encode(item)}' for key, item in value.items())}}}"
        case _:
            raise TypeError(value)
