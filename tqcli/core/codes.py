"""Codes: which failures a rule means. `--retry-on 1,75,100-110,signal,timeout`.

A number means the exit code that `tq run` would end with, so 137 is also a SIGKILL and 124 also a timeout. A word is a
reason: `exit`, `signal`, `timeout`, `not_started`, `error` (a Python exception).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tqcli.core.exit_status import EXIT_ERROR, EXIT_SIGNAL_BASE, EXIT_TIMEOUT
from tqcli.core.names import quote
from tqcli.core.nearest import did_you_mean
from tqcli.core.outcome import Exited, NotStarted, Raised, Signalled, TimedOut
from tqcli.core.state import Reason
from tqcli.errors import InvalidInput

if TYPE_CHECKING:
    from tqcli.core.outcome import Outcome

_NUMBERS = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?", re.ASCII)
_CODE_MAX = 255
_WORDS = {
    reason.value: reason for reason in (Reason.EXIT, Reason.SIGNAL, Reason.TIMEOUT, Reason.NOT_STARTED, Reason.ERROR)
}


class Codes(msgspec.Struct, frozen=True):
    """A set of failures: exit codes, and reasons whatever their code."""

    numbers: frozenset[int]
    reasons: frozenset[Reason]

    def matches(self, outcome: Outcome) -> bool:
        """Return whether `outcome` is one of them; what no rule can name (success, lost, …) never is."""
        match outcome:
            case Exited(0):
                return False
            case Exited(code):
                return self._has(Reason.EXIT, code)
            case Signalled(signal):
                return self._has(Reason.SIGNAL, EXIT_SIGNAL_BASE + signal)
            case TimedOut():
                return self._has(Reason.TIMEOUT, EXIT_TIMEOUT)
            case NotStarted(code):
                return self._has(Reason.NOT_STARTED, code)
            case Raised():
                return self._has(Reason.ERROR, EXIT_ERROR)
            case _:
                return False

    def _has(self, reason: Reason, number: int) -> bool:
        return reason in self.reasons or number in self.numbers


def parse_codes(text: str) -> Codes:
    """Return the set that `text` lists, separated by commas.

    Raises:
        InvalidInput: an entry is neither a code from 1 to 255, nor a range of them, nor a reason.
    """
    numbers: set[int] = set()
    reasons: set[Reason] = set()
    for entry in text.split(","):
        word = entry.strip()
        if word in _WORDS:
            reasons.add(_WORDS[word])
        else:
            numbers.update(_parse_range(word, text))
    return Codes(numbers=frozenset(numbers), reasons=frozenset(reasons))


def _parse_range(word: str, text: str) -> range:
    match = _NUMBERS.fullmatch(word)
    if match is None:
        msg = f"{quote(word)} in the codes {quote(text)} is neither an exit code nor a reason"
        raise InvalidInput(msg, hint=did_you_mean(word, _WORDS) if word else "write them as 1,75,100-110,signal")
    first = int(match[1])
    last = int(match[2] or first)
    if not 1 <= first <= last <= _CODE_MAX:
        msg = f"{quote(word)} in the codes {quote(text)} is out of range"
        raise InvalidInput(msg, hint=f"failures have codes from 1 to {_CODE_MAX}; the smaller one comes first")
    return range(first, last + 1)
