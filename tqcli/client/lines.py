"""A command for each line of some input."""

from __future__ import annotations

import re
from typing import NamedTuple

from tqcli.client.source import read_source, split_lines
from tqcli.core.bulk import PLACEHOLDER, substitute_line
from tqcli.core.check import MAX_GROUP
from tqcli.core.spec import Shell
from tqcli.errors import InvalidInput

OPTION = "--each-line"
MAX_BYTES = 256 * 1024 * 1024
_PLAIN_WORD = re.compile(r"[A-Za-z0-9@%+=:,./_-]+", re.ASCII)


class Lines(NamedTuple):
    """Lines, and what is made of each: `command`, or the shell line `shell`, with the line put in for each `{}`."""

    texts: list[str]
    command: tuple[str, ...] | None
    shell: str | None

    @property
    def places(self) -> int:
        """How often a line is put into its command."""
        words = (self.shell,) if self.shell is not None else self.command or (PLACEHOLDER,)
        return sum(word.count(PLACEHOLDER) for word in words)

    def fill(self, line: str) -> Shell:
        """Return the command for one line: the line itself where there is none.

        Within a shell line it is quoted, so that it stays one word.
        """
        if self.shell is not None:
            return Shell((self.shell.replace(PLACEHOLDER, _quote(line)),), line=True)
        if self.command is not None:
            # A list, because this is done a million times and a generator takes twice as long.
            return Shell(tuple([word.replace(PLACEHOLDER, line) for word in self.command]))
        return Shell((line,), line=True)


def load_lines(source: str, *, command: tuple[str, ...] | None, shell: str | None) -> Lines:
    """Return the lines of a file, or of standard input for `-`.

    Raises:
        InvalidInput: it can't be read, is no text, or has no line or too many.
    """
    texts = list(split_lines(read_source(source, option=OPTION, max_bytes=MAX_BYTES), option=OPTION))
    if not 0 < len(texts) <= MAX_GROUP:
        msg = f"{OPTION}: there are {len(texts):,} lines" if texts else f"{OPTION}: there is no line"
        raise InvalidInput(msg, hint=f"each line that is not blank is a job; a group has at most {MAX_GROUP:,}")
    # A command without a place for the line gets one at its end.
    if command is not None:
        command = substitute_line(command, PLACEHOLDER)
    if shell is not None:
        shell = " ".join(substitute_line((shell,), PLACEHOLDER))
    return Lines(texts, command, shell)


def _quote(line: str) -> str:
    """Return the line as one word of a shell, as `shlex.quote` does."""
    return line if _PLAIN_WORD.fullmatch(line) else "'" + line.replace("'", "'\"'\"'") + "'"
