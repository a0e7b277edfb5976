"""Reading a TOML file that a user wrote."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path


def read_toml(
    path: Path, *, called: str, max_bytes: int, too_large: str, example: str, missing: str = "check the path"
) -> dict[str, object]:
    """Return the table in a file. It is `called` so in messages; the others are hints.

    Raises:
        InvalidInput: it can't be read, has more than `max_bytes`, or is no TOML.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            msg = f"{called} is larger than {max_bytes:,} bytes"
            raise InvalidInput(msg, hint=too_large)
        return tomllib.loads(data.decode())
    except OSError as error:
        msg = f"{called} can't be read: {error.strerror}"
        raise InvalidInput(msg, hint=missing) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{called} is not TOML: {error}"
        raise InvalidInput(msg, hint=f"strings need quotes, as in {example}") from error
