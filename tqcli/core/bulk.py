"""Many jobs out of one command: the indexes of an array, a line put into a command."""

from __future__ import annotations

import re

from tqcli.core.check import MAX_GROUP, MAX_INDEX
from tqcli.core.names import quote
from tqcli.errors import InvalidInput

PLACEHOLDER = "{}"
_ARRAY = re.compile(r"(\d{1,9})-(\d{1,9})(?::(\d{1,9}))?", re.ASCII)


def parse_array(text: str) -> range:
    """Return the indexes of `FIRST-LAST` or `FIRST-LAST:STEP`, both ends included.

    >>> list(parse_array("1-10:4"))
    [1, 5, 9]

    Raises:
        InvalidInput: another form, ends the wrong way round, a step of 0, or more than a million elements.
    """
    match = _ARRAY.fullmatch(text)
    if match is None:
        msg = f"{quote(text)} is not an array"
        raise InvalidInput(msg, hint=f"write 1-100 or 1-100:5, with indexes from 0 to {MAX_INDEX}")
    first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if last < first or step == 0:
        what = "ends before it starts" if last < first else "never gets on"
        msg = f"the array {quote(text)} {what}"
        raise InvalidInput(msg, hint="the smaller index comes first, and a step is at least 1")
    indexes = range(first, last + 1, step)
    if len(indexes) > MAX_GROUP:
        msg = f"the array {quote(text)} has {len(indexes):,} elements of at most {MAX_GROUP:,}"
        raise InvalidInput(msg, hint="submit several arrays")
    return indexes


def substitute_line(argv: tuple[str, ...], line: str) -> tuple[str, ...]:
    """Return the command for one line: each `{}` replaced, also inside an argument; without any, the line comes last.

    >>> substitute_line(("cp", "{}", "{}.bak"), "a b")
    ('cp', 'a b', 'a b.bak')
    """
    if not any(PLACEHOLDER in argument for argument in argv):
        return (*argv, line)
    return tuple(argument.replace(PLACEHOLDER, line) for argument in argv)
