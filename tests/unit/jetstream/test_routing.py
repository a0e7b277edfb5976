"""Who gets what: the table that both links route with."""

from __future__ import annotations

import pytest

from tqcli.errors import Forbidden, TqError, Unavailable, Unknown
from tqcli.jetstream.link import Message, NoResponders
from tqcli.jetstream.routing import REPLIES, Router

URL = "nats://host:4222"


class Receiver:
    """A request that is over with the first message, or a subscription that never is."""

    def __init__(self, subject: str, *, many: bool = False) -> None:
        self.subject = subject
        self.many = many
        self.messages: list[Message] = []
        self.errors: list[TqError] = []

    def take(self, message: Message) -> bool:
        """Note it."""
        self.messages.append(message)
        return not self.many

    def fail(self, error: TqError) -> None:
        """Note it."""
        self.errors.append(error)


@pytest.fixture
def router() -> Router:
    """Return an empty table."""
    return Router("inbox")


def reply_to(subject: str, status: int | None = None, body: bytes = b"") -> Message:
    """Return a reply."""
    return Message(subject, None, {}, body, status)


def test_reply_goes_to_its_request_once(router: Router) -> None:
    """A second reply to the same request, and one to nobody's, are dropped."""
    first, second = Receiver("a"), Receiver("a")
    reply, _ = router.add_request(first), router.add_request(second)
    for subject in (reply, reply, "inbox.999"):
        router.deliver(REPLIES, reply_to(subject))
    assert [len(first.messages), len(second.messages)] == [1, 0]


def test_heartbeat_is_no_reply(router: Router) -> None:
    """Status 100 says that the server still works on it."""
    request = Receiver("a")
    reply = router.add_request(request)
    router.deliver(REPLIES, reply_to(reply, 100))
    assert not request.messages
    router.deliver(REPLIES, reply_to(reply))
    assert len(request.messages) == 1


def test_503_means_that_nobody_listens(router: Router) -> None:
    """The server's 503 has no body; an answer that has one is the answer of somebody."""
    refused, answered = Receiver("a"), Receiver("b")
    router.deliver(REPLIES, reply_to(router.add_request(refused), 503))
    router.deliver(REPLIES, reply_to(router.add_request(answered), 503, b"busy"))
    assert [type(error) for error in refused.errors] == [NoResponders]
    assert not answered.errors
    assert len(answered.messages) == 1


def test_subscription_gets_its_messages_until_it_is_dropped(router: Router) -> None:
    """Messages go by the subscription's number, not by subject."""
    subscription = Receiver("a.>", many=True)
    sid = router.add_subscription(subscription)
    router.deliver(sid, reply_to("a.b"))
    router.deliver(sid + 1, reply_to("a.b"))
    assert router.drop_subscription(sid)
    assert not router.drop_subscription(sid)
    router.deliver(sid, reply_to("a.b"))
    assert len(subscription.messages) == 1


def test_violation_fails_those_whom_it_is_about(router: Router) -> None:
    """A refused publish ends the requests on that subject, a refused subscription itself, and nobody else."""
    mine, other, listening = Receiver("My.Subject"), Receiver("other"), Receiver("My.Subject", many=True)
    router.add_request(mine)
    router.add_request(other)
    router.add_subscription(listening)
    assert router.complain('Permissions Violation for Publish to "My.Subject"', URL) is None
    assert [type(error) for error in mine.errors] == [Forbidden]
    assert not other.errors + listening.errors
    assert router.complain('Permissions Violation for Subscription to "My.Subject"', URL) is None
    assert [type(error) for error in listening.errors] == [Forbidden]
    assert len(mine.errors) == 1


def test_complaint_about_nobody_is_for_the_user(router: Router) -> None:
    """What no request waits for is said, with the server's URL."""
    violation = router.complain('Permissions Violation for Publish to "x"', URL)
    assert violation == f"{URL} does not let this user publish to x"
    assert router.complain("Slow Consumer", URL) == f"{URL} says: Slow Consumer"


def test_lost_connection_fails_requests_and_spares_subscriptions(router: Router) -> None:
    """Requests may have happened; subscriptions go on with the next connection, in their old numbers."""
    request, subscription = Receiver("a"), Receiver("b", many=True)
    reply = router.add_request(request)
    sid = router.add_subscription(subscription)
    router.fail_requests("the connection was lost")
    router.deliver(REPLIES, reply_to(reply))
    assert [type(error) for error in request.errors] == [Unknown]
    assert not request.messages + subscription.messages
    assert router.encode_subscriptions() == b"SUB b %d\r\n" % sid
    router.fail_subscriptions(Unavailable("closed"))
    assert len(subscription.errors) == 1


def test_inboxes_do_not_meet(router: Router) -> None:
    """An inbox of one's own is outside of what the requests' replies come to."""
    assert router.encode_inbox() == b"SUB inbox.* 1\r\n"
    assert router.make_inbox().count(".") == 2
    assert router.make_inbox() != router.make_inbox()
