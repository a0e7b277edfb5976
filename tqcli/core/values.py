"""Values on their way to a job and back: JSON, with tagged objects for what JSON has no words for.

Plain JSON stays as it is; a tuple becomes an array, and arrives as a list. The others are objects with the key `$tq`:

=========================  ==========================================================================================
datetime                   `{"$tq": "datetime", "value": "2026-03-01T12:00:00+01:00"}`; with a named zone, its name
                           in `zone` (`"Europe/Berlin"`)
date, time                 `{"$tq": "date", "value": "2026-03-01"}`, `{"$tq": "time", "value": "12:00:00"}`
timedelta                  `{"$tq": "timedelta", "value": [days, seconds, microseconds]}`
Decimal, UUID              `{"$tq": "decimal", "value": "1.10"}`, `{"$tq": "uuid", "value": "…"}`
bytes                      `{"$tq": "bytes", "value": "…"}`, in base64
set, frozenset             `{"$tq": "set", "value": […]}`; a tuple within them, or in a key, is `{"$tq": "tuple", …}`
nan, inf                   `{"$tq": "float", "value": "nan"}`
dict with other keys       `{"$tq": "dict", "value": [[key, value], …]}`, also where a key is `$tq`
enum                       `{"$tq": "enum", "type": "shop.models:Colour", "value": …}`
dataclass                  `{"$tq": "dataclass", "type": "shop.models:Order", "value": {field: …}}`
=========================  ==========================================================================================

Enums and dataclasses are made anew by calling their class, which the other side imports; nothing else is executed, and
nothing is unpickled. `pack` and `unpack` do it. Python jobs load them, so they import what a value needs only where
there is one.
"""

from __future__ import annotations

TAG = "$tq"
MAX_DEPTH = 58
"""Arrays and objects within each other: a spec or a record, which may nest 64 deep, has the value inside."""

_PLACE_MAX = 200


class Misfit(ValueError):
    """A value that can't travel, or did not arrive whole: `fault` says why."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault
        self._steps: list[str] = []

    def move_out(self, step: str) -> None:
        """See it from one step further out: the fault is at `step`, such as `[0]` or `.name`, of that."""
        self._steps.append(step)

    def describe(self, root: str) -> str:
        """Return where it is, as one would write it in Python for a value called `root`, and the fault."""
        place = root + "".join(reversed(self._steps))
        return f"{place if len(place) <= _PLACE_MAX else place[:_PLACE_MAX] + '…'} {self.fault}"


def may_have_tags(data: bytes) -> bool:
    """Return False where this JSON surely holds no tagged object, so that there is nothing to unpack."""
    return b"$tq" in data or b"u0024" in data
