"""What jobs printed, as readers get it: frames in order, each once, with the job and the attempt they are from."""

from __future__ import annotations

from collections import defaultdict, deque
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tqcli.client.sequencer import Sequencer
from tqcli.jetstream.logs import CUT, Frame, LogMessage, decode_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Which(Enum):
    """Attempts that are chosen by a word."""

    LAST = "last"
    ALL = "all"


Attempts: TypeAlias = int | Which
"""Whose output: of one attempt by its number, of the last one, or of all."""


class Printed(NamedTuple):
    """A frame, which element of the group printed it (0 for a job of its own), and in which attempt.

    A cut without data stands for messages that are not stored any more.
    """

    element: int
    attempt: int
    frame: Frame


class Reader:
    """Puts log messages of any number of attempts in order."""

    def __init__(self) -> None:
        """Have seen nothing yet."""
        self._sequencers: defaultdict[tuple[int, int], Sequencer] = defaultdict(Sequencer)
        self.given: defaultdict[tuple[int, int], int] = defaultdict(int)
        """The bytes that came out, by (element, attempt)."""

    @property
    def is_waiting(self) -> bool:
        """True while a message is missing of which later ones are here."""
        return any(sequencer.is_waiting for sequencer in self._sequencers.values())

    def take(self, subject: str, body: bytes) -> Iterator[Printed]:
        """Yield what can be shown, now that the message `body` on `subject` is here.

        Raises:
            CorruptRecord: it is no log message.
        """
        message = decode_message(subject, body)
        key = int(subject.split(".")[-2]), message.attempt
        yield from self._unpack(key, self._sequencers[key].take(message))

    def flush(self) -> Iterator[Printed]:
        """Yield what is left: nothing that is missing will come any more."""
        for key, sequencer in sorted(self._sequencers.items(), key=lambda item: item[0]):
            yield from self._unpack(key, sequencer.flush())

    def _unpack(self, key: tuple[int, int], messages: Iterator[LogMessage | None]) -> Iterator[Printed]:
        for message in messages:
            if message is None:
                yield Printed(*key, Frame(CUT, 0, b""))
                continue
            for frame in message.frames:
                if frame.stream != CUT:
                    self.given[key] += len(frame.data)
                yield Printed(*key, frame)


async def keep_tail(source: AsyncIterator[Printed], lines: int) -> list[Printed]:
    """Return the last `lines` lines of each job in `source`, job by job; its streams are taken together."""
    held: defaultdict[int, deque[Printed]] = defaultdict(deque)
    newlines: defaultdict[int, int] = defaultdict(int)
    async for printed in source:
        frames = held[printed.element]
        frames.append(printed)
        newlines[printed.element] += _newlines(printed)
        # What is left has a newline more than is asked for: the end of the line before.
        while newlines[printed.element] - _newlines(frames[0]) > lines:
            newlines[printed.element] -= _newlines(frames.popleft())
    return [printed for element in sorted(held) for printed in _cut_front(held[element], lines)]


def _newlines(printed: Printed) -> int:
    return 0 if printed.frame.stream == CUT else printed.frame.data.count(b"\n")


def _cut_front(held: deque[Printed], lines: int) -> list[Printed]:
    """Return the last `lines` lines of what is held; a last line without its end counts as one."""
    if lines == 0:
        return []
    last = next((printed.frame.data for printed in reversed(held) if _has_text(printed)), b"")
    wanted = lines + last.endswith(b"\n")
    kept: list[Printed] = []
    for printed in reversed(held):
        count = _newlines(printed)
        if count < wanted:
            wanted -= count
            kept.append(printed)
            continue
        data = printed.frame.data
        start = len(data)
        for _ in range(wanted):
            start = data.rindex(b"\n", 0, start)
        if rest := data[start + 1 :]:
            kept.append(printed._replace(frame=printed.frame._replace(data=rest)))
        break
    kept.reverse()
    return kept


def _has_text(printed: Printed) -> bool:
    return printed.frame.stream != CUT and bool(printed.frame.data)
