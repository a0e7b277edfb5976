"""Backoff: how long to wait before a retry. `exp:FIRST..CAP`, `fixed:DELAY` or `none`."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tqcli.core.duration import parse_duration
from tqcli.core.names import quote
from tqcli.errors import InvalidInput

_JITTER = 0.25
_MICROSECOND = timedelta(microseconds=1)
_DOUBLINGS_MAX = 64
"""From a microsecond, 64 doublings pass any cap; the exponent needs to grow no further."""


class Backoff(msgspec.Struct, frozen=True):
    """Waits that double from `first` up to `cap`; with `jitter`, spread so that jobs that failed together part."""

    first: timedelta
    cap: timedelta
    jitter: bool

    def delay(self, retry: int, draw: float) -> timedelta:
        """Return the wait before retry number `retry` (from 1); `draw` in [0, 1) picks within ±25 %, never above `cap`.

        >>> parse_backoff("exp:1s..5m").delay(3, 0.5)
        datetime.timedelta(seconds=4)
        """
        doublings = min(max(retry - 1, 0), _DOUBLINGS_MAX)
        cap_us = self.cap // _MICROSECOND
        base_us = min((self.first // _MICROSECOND) << doublings, cap_us)
        if self.jitter:
            base_us = min(int(base_us * (1 - _JITTER + 2 * _JITTER * draw)), cap_us)
        return timedelta(microseconds=base_us)


NONE = Backoff(first=timedelta(0), cap=timedelta(0), jitter=False)


def parse_backoff(text: str) -> Backoff:
    """Return the backoff that `text` describes.

    Raises:
        InvalidInput: another form, a `first` of nothing, or a `cap` below it.
    """
    if text == "none":
        return NONE
    kind, _, rest = text.partition(":")
    if kind == "fixed":
        delay = parse_duration(rest)
        return Backoff(first=delay, cap=delay, jitter=False)
    first_text, dots, cap_text = rest.partition("..")
    if kind != "exp" or not dots:
        msg = f"{quote(text)} is not a backoff"
        raise InvalidInput(msg, hint="write exp:1s..5m (doubles from 1s up to 5m), fixed:10s or none")
    first, cap = parse_duration(first_text), parse_duration(cap_text)
    if not timedelta(0) < first <= cap:
        msg = f"the backoff {quote(text)} must rise from more than 0s to its cap"
        raise InvalidInput(msg, hint="the smaller duration comes first, as in exp:1s..5m")
    return Backoff(first=first, cap=cap, jitter=True)
