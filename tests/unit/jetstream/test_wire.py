"""The wire protocol: what is encoded, what is parsed, and that no cut of the stream matters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tqcli.errors import InvalidInput
from tqcli.jetstream.link import Message
from tqcli.jetstream.wire import (
    Delivery,
    Err,
    Event,
    Info,
    Parser,
    Signal,
    WireError,
    encode_connect,
    encode_publish,
    encode_subscribe,
    encode_unsubscribe,
)

EXAMPLES: list[tuple[bytes, Event]] = [
    (b"PING\r\n", Signal.PING),
    (b"PONG\r\n", Signal.PONG),
    (b"+OK\r\n", Signal.OK),
    (b"-ERR 'Authorization Violation'\r\n", Err("Authorization Violation")),
    (
        b"-ERR 'Permissions Violation for Publish to \"Some.Thing\"'\r\n",
        Err('Permissions Violation for Publish to "Some.Thing"'),
    ),
    (
        b'INFO {"version":"2.15.1","server_name":"n","jetstream":true,"max_payload":1024,"proto":1,"nonce":"x"}\r\n',
        Info(version="2.15.1", server_name="n", jetstream=True, max_payload=1024, nonce="x"),
    ),
    (b"MSG a.b 7 5\r\nhello\r\n", Delivery(7, Message("a.b", None, {}, b"hello"))),
    (b"MSG a.b 7 re.ply 0\r\n\r\n", Delivery(7, Message("a.b", "re.ply", {}, b""))),
    (b"MSG a 1 8\r\nPING\r\n\r\n\r\n", Delivery(1, Message("a", None, {}, b"PING\r\n\r\n"))),
    (
        b"HMSG a 1 r 30 32\r\nNATS/1.0\r\nA: 1\r\nB:2\r\nA:  3\r\n\r\nhi\r\n",
        Delivery(1, Message("a", "r", {"A": "3", "B": "2"}, b"hi")),
    ),
    (
        b"HMSG a 1 28 28\r\nNATS/1.0 404 No Messages\r\n\r\n\r\n",
        Delivery(1, Message("a", None, {}, b"", 404, "No Messages")),
    ),
    (b"HMSG a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", Delivery(1, Message("a", None, {}, b"", 503, ""))),
    (
        b"HMSG a 1 49 49\r\nNATS/1.0 408 Request Timeout\r\nNats-Pending: 3\r\n\r\n\r\n",
        Delivery(1, Message("a", None, {"Nats-Pending": "3"}, b"", 408, "Request Timeout")),
    ),
]
STREAM = b"".join(raw for raw, _ in EXAMPLES)
EVENTS = [event for _, event in EXAMPLES]


@pytest.mark.parametrize(("raw", "event"), EXAMPLES)
def test_event_is_parsed(raw: bytes, event: Event) -> None:
    """Each event is read from its bytes."""
    assert Parser().feed(raw) == [event]


@given(st.lists(st.integers(0, len(STREAM))))
def test_cut_of_the_stream_does_not_matter(cuts: list[int]) -> None:
    """However the stream is cut into reads, the events are the same."""
    parser = Parser()
    ends = [*sorted(cuts), len(STREAM)]
    starts = [0, *ends]
    events = [event for start, end in zip(starts, ends, strict=False) for event in parser.feed(STREAM[start:end])]
    assert events == EVENTS


def test_bytes_one_by_one() -> None:
    """The worst cut of all is the same stream too."""
    parser = Parser()
    assert [event for byte in STREAM for event in parser.feed(bytes([byte]))] == EVENTS


names = st.from_regex(r"[A-Za-z-]{1,20}", fullmatch=True)
values = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])).map(str.strip)


@given(
    subject=st.from_regex(r"[!-~]{1,40}", fullmatch=True),
    body=st.binary(max_size=300),
    reply=st.none() | st.from_regex(r"[!-~]{1,40}", fullmatch=True),
    headers=st.dictionaries(names, values, max_size=4),
    cut=st.integers(0, 400),
)
def test_what_is_published_is_what_arrives(
    subject: str, body: bytes, reply: str | None, headers: dict[str, str], cut: int
) -> None:
    """A server turns PUB into MSG and HPUB into HMSG by adding a sid; then the same message comes out."""
    data = encode_publish(subject, body, reply=reply, headers=headers, max_payload=1_000_000)
    verb, rest = data.split(b" ", 1)
    assert verb == (b"HPUB" if headers else b"PUB")
    delivered = verb.replace(b"PUB", b"MSG") + b" " + rest.replace(subject.encode(), subject.encode() + b" 5", 1)
    parser = Parser()
    assert parser.feed(delivered[:cut]) + parser.feed(delivered[cut:]) == [
        Delivery(5, Message(subject, reply, headers, body))
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    """No bytes make the parser fail in a way that it does not declare."""
    parser = Parser()
    try:
        parser.feed(data)
    except WireError:
        return


@given(st.binary(max_size=200))
def test_any_headers_leave_the_message_readable(raw: bytes) -> None:
    """Headers that mean nothing cost themselves, not the message or the connection (H25)."""
    data = b"HMSG a 1 %d %d\r\n%b%b\r\n" % (len(raw), len(raw) + 2, raw, b"hi")
    [event] = Parser().feed(data)
    assert isinstance(event, Delivery)
    assert event.message.body == b"hi"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"MSG a 1\r\n",
        b"MSG a 1 x\r\n",
        b"MSG a x 0\r\n\r\n",
        b"MSG a 1 -1\r\n\r\n",
        b"MSG a 1 2\r\nhello\r\n",
        b"MSG a b c d e 2\r\nhi\r\n",
        b"HMSG a 1 9 2\r\nhi\r\n",
        b"MSG a 1 99999999999\r\n",
        b"INFO {]\r\n",
        b'INFO {"version": 2}\r\n',
        b"\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_not_the_protocol_is_refused(data: bytes) -> None:
    """A doubt about the framing ends the connection instead of reading on somewhere."""
    with pytest.raises(WireError):
        Parser().feed(data)


def test_operations_are_encoded() -> None:
    """The operations without a message."""
    assert encode_connect({"verbose": False}) == b'CONNECT {"verbose":false}\r\n'
    assert encode_subscribe("a.>", 3) == b"SUB a.> 3\r\n"
    assert encode_unsubscribe(3) == b"UNSUB 3\r\n"
    assert encode_publish("a", b"hi", reply=None, headers=None, max_payload=9) == b"PUB a 2\r\nhi\r\n"
    assert encode_publish("a", b"", reply="r", headers={"X": "y"}, max_payload=99) == (
        b"HPUB a r 18 18\r\nNATS/1.0\r\nX: y\r\n\r\n\r\n"
    )


def test_headers_count_towards_the_limit() -> None:
    """A message is refused when headers and body together are one byte too many (H5)."""
    head = len(b"NATS/1.0\r\nX: y\r\n\r\n")
    encode_publish("a", b"hi", reply=None, headers={"X": "y"}, max_payload=head + 2)
    with pytest.raises(InvalidInput, match="larger than the server takes"):
        encode_publish("a", b"hi", reply=None, headers={"X": "y"}, max_payload=head + 1)
    with pytest.raises(InvalidInput, match="larger than the server takes"):
        encode_publish("a", b"hi", reply=None, headers=None, max_payload=1)


@pytest.mark.parametrize("subject", ["", "a b", "a\tb", "a\nb", "a\rb", "a\x00b", "a\x7fb"])
def test_subject_that_breaks_the_line_is_refused(subject: str) -> None:
    """White space and control characters would end the subject, or the operation."""
    with pytest.raises(InvalidInput):
        encode_publish(subject, b"", reply=None, headers=None, max_payload=9)
    with pytest.raises(InvalidInput):
        encode_publish("a", b"", reply=subject or " ", headers=None, max_payload=9)
    with pytest.raises(InvalidInput):
        encode_subscribe(subject, 1)


@pytest.mark.parametrize("headers", [{"A": "b\r\nC: d"}, {"A\r\nB": "c"}, {"A": "b\n"}, {"A": "b\r"}])
def test_header_with_a_line_break_is_refused(headers: dict[str, str]) -> None:
    """A header is one line."""
    with pytest.raises(InvalidInput):
        encode_publish("a", b"", reply=None, headers=headers, max_payload=999)
