"""Order for one attempt's log messages.

Agents have several log messages under way at once and repeat those whose answer got lost, so a stream may hold them out
of order and twice, and a subscription may miss some. Their numbers tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tqcli.jetstream.logs import LogMessage

REACH = 32
"""How far ahead of a missing message others may be before it counts as lost: four times what an agent has under way."""


class Sequencer:
    """Takes an attempt's messages as they come, and gives them out once and in order; None stands for lost ones."""

    def __init__(self) -> None:
        """Expect message 0."""
        self._next = 0
        self._early: dict[int, LogMessage] = {}

    @property
    def is_waiting(self) -> bool:
        """True while later messages are here and an earlier one is not."""
        return bool(self._early)

    def take(self, message: LogMessage) -> Iterator[LogMessage | None]:
        """Yield the messages whose turn has come, now that `message` is here."""
        if message.number < self._next:
            return
        self._early[message.number] = message
        yield from self._give_out()
        while len(self._early) > REACH:
            yield from self._skip()

    def flush(self) -> Iterator[LogMessage | None]:
        """Yield what is left, in order: nothing that is missing will come any more."""
        while self._early:
            yield from self._skip()

    def _skip(self) -> Iterator[LogMessage | None]:
        self._next = min(self._early)
        yield None
        yield from self._give_out()

    def _give_out(self) -> Iterator[LogMessage]:
        while (message := self._early.pop(self._next, None)) is not None:
            self._next += 1
            yield message
