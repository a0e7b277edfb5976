"""Who gets what a server sends: replies, messages of subscriptions, complaints about what was not allowed.

Both links route with it; what a request or a subscription does with what it gets is theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tqcli.jetstream.admission import explain_violation, is_refused, nobody_listens, parse_violation, unanswered
from tqcli.jetstream.wire import encode_subscribe

if TYPE_CHECKING:
    from tqcli.errors import TqError
    from tqcli.jetstream.link import Message

REPLIES = 1
"""The subscription of the inbox."""

_HEARTBEAT = 100


class Receiver(Protocol):
    """A request or a subscription."""

    @property
    def subject(self) -> str:
        """What was asked, or is listened to."""
        ...

    def take(self, message: Message) -> bool:
        """Take a message; return whether it was the last that is wanted."""
        ...

    def fail(self, error: TqError) -> None:
        """No message will come, because of `error`."""
        ...


class Router:
    """The requests and subscriptions of one link."""

    def __init__(self, inbox: str) -> None:
        """`inbox` is the subject under which the replies come."""
        self._inbox = inbox
        self._prefix = f"{inbox}."
        self._requests: dict[str, Receiver] = {}
        self._subscriptions: dict[int, Receiver] = {}
        self._last_number = REPLIES

    def add_request(self, request: Receiver) -> str:
        """Expect replies; return the subject they must be sent to."""
        self._last_number += 1
        reply = f"{self._prefix}{self._last_number}"
        self._requests[reply] = request
        return reply

    def drop_request(self, reply: str) -> None:
        """Expect none any more."""
        self._requests.pop(reply, None)

    def add_subscription(self, subscription: Receiver) -> int:
        """Expect messages; return the number under which to subscribe."""
        self._last_number += 1
        self._subscriptions[self._last_number] = subscription
        return self._last_number

    def drop_subscription(self, sid: int) -> bool:
        """Expect none any more; return whether any were expected."""
        return self._subscriptions.pop(sid, None) is not None

    def make_inbox(self) -> str:
        """Return a subject for replies, with room for one more token, that nobody else uses."""
        self._last_number += 1
        return f"{self._prefix}i.{self._last_number}"

    def encode_inbox(self) -> bytes:
        """Return the SUB of the inbox."""
        return encode_subscribe(f"{self._prefix}*", REPLIES)

    def encode_subscriptions(self) -> bytes:
        """Return the SUBs of all subscriptions, without the inbox."""
        return b"".join(encode_subscribe(one.subject, sid) for sid, one in self._subscriptions.items())

    def deliver(self, sid: int, message: Message) -> None:
        """Hand a message to whom it belongs. What nobody waits for any more is dropped."""
        if sid != REPLIES:
            subscription = self._subscriptions.get(sid)
            if subscription is not None:
                subscription.take(message)
            return
        request = self._requests.get(message.subject)
        if request is None or message.status == _HEARTBEAT:
            return
        if is_refused(message):
            del self._requests[message.subject]
            request.fail(nobody_listens(request.subject))
        elif request.take(message):
            del self._requests[message.subject]

    def complain(self, text: str, url: str) -> str | None:
        """Fail those whom a -ERR is about; return what to tell the user where nobody waits for this."""
        violation = parse_violation(text)
        if violation is None:
            return f"{url} says: {text}"
        error = explain_violation(violation, url)
        concerned: list[Receiver] = []
        if violation.publish:
            replies = [reply for reply, one in self._requests.items() if one.subject == violation.subject]
            concerned += [self._requests.pop(reply) for reply in replies]
        else:
            concerned += [one for one in self._subscriptions.values() if one.subject == violation.subject]
        for one in concerned:
            one.fail(error)
        return None if concerned else error.message

    def fail_requests(self, why: str) -> None:
        """Fail all requests that are under way: they may have happened."""
        requests, self._requests = self._requests, {}
        for request in requests.values():
            request.fail(unanswered(request.subject, why))

    def fail_subscriptions(self, error: TqError) -> None:
        """Tell all subscriptions that no more will come."""
        for subscription in self._subscriptions.values():
            subscription.fail(error)
