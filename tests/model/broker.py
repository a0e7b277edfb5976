"""What nats-server does, as far as tq relies on it and as badly as it may.

A work queue with leases, message ids and redelivery counts; records with compare-and-set; timers that fire at least
once. A stale holder's ack, nak or extension is taken for good (H11). A restart forgets the ids of consumed messages
(H2), gives all leases up, and may forget that messages were delivered: then it ignores what their holders say.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from tests.model.clock import CLOCK, START
from tqcli.jetstream.api import API
from tqcli.jetstream.link import Message
from tqcli.jetstream.pull import ACK, GIVE_BACK_LATER, IN_PROGRESS, Delivery
from tqcli.jetstream.subjects import HEADER_EXPECTED, HEADER_MSG_ID, HEADER_RECHECK, Names
from tqcli.jetstream.topology import ACK_WAIT_S, stream_configs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = Names()
WINDOW_S = 120.0
_INFOS = {name: msgspec.json.encode({"config": config, "state": {}}) for name, config in stream_configs(NAMES).items()}
_MISSING = Message("", None, {}, b"", status=404)
_NO_MESSAGE = b'{"error":{"code":404,"err_code":10037,"description":"no message found"}}'
_WRONG_SEQUENCE = b'{"error":{"code":400,"err_code":10071,"description":"wrong last sequence"}}'


class Stored:
    """A message of a stream. `free_at` is when its lease ends, or when it may be delivered first."""

    def __init__(self, sequence: int, subject: str, body: bytes, headers: dict[str, str]) -> None:
        """It may be delivered at once."""
        self.sequence = sequence
        self.subject = subject
        self.body = body
        self.headers = headers
        self.count = 0
        self.free_at = 0.0
        self.given_back = False


class Stream:
    """Messages in their order. One with a lease that ended, or with none, may be delivered to anybody."""

    def __init__(self, name: str) -> None:
        """It is empty."""
        self.name = name
        self.messages: dict[int, Stored] = {}
        self.delivered = 0
        self._last = 0
        self._ids: dict[str, tuple[int, float]] = {}

    def store(self, subject: str, body: bytes, headers: dict[str, str]) -> bytes:
        """Store a message, unless its id is known; return the PubAck."""
        message_id = headers.get(HEADER_MSG_ID)
        known, at = self._ids.get(message_id or "", (0, 0.0))
        if known and CLOCK.s - at < WINDOW_S:
            return b'{"seq":%d,"duplicate":true}' % known
        self._last += 1
        if message_id:
            self._ids[message_id] = self._last, CLOCK.s
        self.messages[self._last] = Stored(self._last, subject, body, headers)
        return b'{"seq":%d}' % self._last

    @property
    def free(self) -> list[Stored]:
        """The messages that may be delivered now."""
        return [message for message in self.messages.values() if message.free_at <= CLOCK.s]

    def deliver(self, message: Stored, number: int) -> Delivery:
        """Hand a message over for the time of a lease; `number` tells this delivery from all others."""
        message.count += 1
        self.delivered = max(self.delivered, message.sequence)
        message.given_back = False
        message.free_at = CLOCK.s + ACK_WAIT_S
        settle = f"$JS.ACK.{self.name}.{message.sequence}.{number}"
        recheck = HEADER_RECHECK in message.headers
        return Delivery(message.subject, settle, message.body, message.count, message.sequence, recheck)

    def settle(self, sequence: int, how: bytes) -> None:
        """Do what a holder says; whether it still holds the message, nobody asks."""
        message = self.messages.get(sequence)
        if message is None or not message.count:
            return
        if how == ACK:
            del self.messages[sequence]
        elif how == IN_PROGRESS:
            if message.free_at > CLOCK.s:
                message.free_at = CLOCK.s + ACK_WAIT_S
        else:
            message.free_at = CLOCK.s + (how == GIVE_BACK_LATER)
            message.given_back = True

    def restart(self, *, counts_too: bool) -> None:
        """Forget what a restart forgets."""
        self._ids = {name: known for name, known in self._ids.items() if known[0] in self.messages}
        for message in self.messages.values():
            message.free_at = CLOCK.s
            if counts_too:
                message.count = 0


class Timer:
    """A message to be published at a time."""

    def __init__(self, body: bytes, at_s: float, target: str) -> None:
        """See `tqcli.jetstream.timers`."""
        self.body = body
        self.at_s = at_s
        self.target = target


class ModelBroker:
    """The streams of one namespace."""

    def __init__(self, on_write: Callable[[str, bytes], None]) -> None:
        """`on_write` is called with each record's subject and body as it is written."""
        self.jobs = Stream(NAMES.jobs)
        self.firings = Stream(NAMES.timers)
        self.timers: dict[str, Timer] = {}
        self.records: dict[str, tuple[int, bytes]] = {}
        self._last_record = 0
        self._on_write = on_write

    def handle(self, subject: str, body: bytes, headers: dict[str, str]) -> Message:
        """Take a request or a message; return the reply."""
        head, _, _ = subject.partition(".")
        if head == NAMES.namespace:
            return Message("", None, {}, self._store(subject, body, headers))
        if subject.startswith("$JS.ACK."):
            _, _, stream, sequence, _ = subject.split(".")
            (self.jobs if stream == NAMES.jobs else self.firings).settle(int(sequence), body)
            return Message("", None, {}, b"")
        return self._answer(subject.removeprefix(f"{API}."), body)

    def fire_due(self, *, again: bool) -> None:
        """Let the timers fire whose time has come; with `again` they are still there afterwards."""
        for subject, timer in list(self.timers.items()):
            if timer.at_s <= CLOCK.s:
                self.firings.store(timer.target, timer.body, {})
                if not again:
                    del self.timers[subject]

    def restart(self, *, counts_too: bool) -> None:
        """Forget what a restart forgets."""
        self.jobs.restart(counts_too=counts_too)
        self.firings.restart(counts_too=counts_too)

    def _store(self, subject: str, body: bytes, headers: dict[str, str]) -> bytes:
        kind = subject.split(".")[1]
        if kind == "job":
            return self.jobs.store(subject, body, headers)
        if kind == "record":
            return self._write(subject, body, headers.get(HEADER_EXPECTED))
        at = datetime.fromisoformat(headers["Nats-Schedule"].removeprefix("@at "))
        self.timers[subject] = Timer(body, (at - START).total_seconds(), headers["Nats-Schedule-Target"])
        return b'{"seq":1}'

    def _write(self, subject: str, body: bytes, expected: str | None) -> bytes:
        last, _ = self.records.get(subject, (0, b""))
        if expected is not None and int(expected) != last:
            return _WRONG_SEQUENCE
        self._last_record += 1
        self.records[subject] = self._last_record, body
        self._on_write(subject, body)
        return b'{"seq":%d}' % self._last_record

    def _answer(self, call: str, body: bytes) -> Message:
        """Answer a request to JetStream's API."""
        if call.startswith("DIRECT.GET."):
            stream, _, subject = call.removeprefix("DIRECT.GET.").partition(".")
            wanted = {"next_by_subj": subject, "seq": 1} if subject else msgspec.json.decode(body)
            for found, sequence, stored in self._find(stream, wanted):
                return Message("", None, {"Nats-Subject": found, "Nats-Sequence": str(sequence)}, stored)
            return _MISSING
        if call.startswith(f"CONSUMER.INFO.{NAMES.jobs}."):
            return Message("", None, {}, b'{"delivered":{"stream_seq":%d}}' % self.jobs.delivered)
        action, _, stream = call.rpartition(".")
        match action:
            case "STREAM.MSG.GET":
                for found, sequence, stored in self._find(stream, msgspec.json.decode(body)):
                    message = {"subject": found, "seq": sequence, "data": b64encode(stored).decode()}
                    return Message("", None, {}, msgspec.json.encode({"message": message}))
                return Message("", None, {}, _NO_MESSAGE)
            case "STREAM.PURGE":
                self._purge(stream, msgspec.json.decode(body)["filter"])
                return Message("", None, {}, b'{"success":true}')
            case "STREAM.INFO":
                return Message("", None, {}, _INFOS[stream])
            case _:
                raise NotImplementedError(call)

    def _find(self, stream: str, wanted: dict[str, Any]) -> Iterator[tuple[str, int, bytes]]:
        """Give subject, sequence and body of the messages with this sequence, or on this subject."""
        pattern = wanted.get("next_by_subj")
        if stream == NAMES.records:
            stored = [(subject, *record) for subject, record in self.records.items()]
        elif stream == NAMES.timers:
            stored = [(subject, 1, timer.body) for subject, timer in self.timers.items()]
            stored += [(one.subject, one.sequence, one.body) for one in self.firings.messages.values()]
        else:
            stored = [(one.subject, one.sequence, one.body) for one in self.jobs.messages.values()]
        start = wanted["seq"]
        for one in sorted(stored, key=itemgetter(1)):
            if one[1] == start if pattern is None else one[1] >= start and _matches(pattern, one[0]):
                yield one

    def _purge(self, stream: str, pattern: str) -> None:
        messages = (self.jobs if stream == NAMES.jobs else self.firings).messages
        for sequence in [number for number, one in messages.items() if _matches(pattern, one.subject)]:
            del messages[sequence]
        if stream == NAMES.timers:
            self.timers.pop(pattern, None)


def _matches(pattern: str, subject: str) -> bool:
    words, others = pattern.split("."), subject.split(".")
    return len(words) == len(others) and all(word in {"*", other} for word, other in zip(words, others, strict=True))
