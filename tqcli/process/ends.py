"""What a worker says, taken apart as it comes: the ends of its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tqcli.process.handover import MAX_RESULT_BYTES
from tqcli.process.worker_wire import DONE, END, LAST, RETIRED, RETURNED

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BODY_BYTES = MAX_RESULT_BYTES + 64 * 1024
KINDS = frozenset({DONE, RETIRED, LAST, RETURNED})


class End(NamedTuple):
    """The end of a job, as `worker_wire.encode_end` has it."""

    kind: bytes
    number: int
    code: int
    unread: bool
    body: bytes


class Ends:
    """Takes ends out of a stream, in whatever pieces it comes."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[End]:
        """Return the ends that are complete.

        Raises:
            ValueError: this is none.
        """
        self._rest += data
        while len(self._rest) >= END.size:
            kind, number, code, unread, length = END.unpack_from(self._rest)
            if length > MAX_BODY_BYTES or kind not in KINDS:
                msg = "what the worker says can't be understood"
                raise ValueError(msg)
            stop = END.size + length
            if len(self._rest) < stop:
                return
            body = bytes(self._rest[END.size : stop])
            del self._rest[:stop]
            yield End(kind, number, code, unread, body)
