"""Both links do the same: every scenario here runs over each of them."""

from __future__ import annotations

import json
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.links import meanwhile, publish_once, publish_until
from tests.support.server import NatsServer
from tqcli.core.endpoint import Endpoint
from tqcli.errors import Forbidden, InvalidInput, Unavailable, Unknown
from tqcli.jetstream import channel, connection, session, steady
from tqcli.jetstream.link import NoResponders

if TYPE_CHECKING:
    from tests.support.links import Runner
    from tqcli.jetstream.link import Link, Message

PASSWORD = secrets.token_hex(8)

LIMITED = f"""
authorization {{ users = [ {{
    user: "limited", password: "{PASSWORD}"
    permissions: {{
        publish: {{ allow: ["$JS.API.INFO", "open.>"] }}
        subscribe: {{ allow: ["_INBOX_tq.limited.>", "open.>"] }}
    }}
}} ] }}
"""


async def create_stream(link: Link, name: str) -> None:
    """Create a stream `name` of the subjects `name.>`."""
    config = {"name": name, "subjects": [f"{name}.>"], "allow_direct": True, "storage": "memory"}
    answer = json.loads((await link.post(f"$JS.API.STREAM.CREATE.{name}", json.dumps(config).encode())).body)
    assert "error" not in answer


def test_request_gets_its_reply(run: Runner, nats_server: NatsServer, unique: str) -> None:
    """A request reaches a subscriber with its headers, and the answer comes back with its own."""

    async def scenario(link: Link) -> tuple[Message | None, Message]:
        subscription = await link.subscribe(unique)
        reply = link.post(unique, b"question", headers={"Nats-Msg-Id": "a b", "X": "ü"})
        request = await subscription.next(5.0)
        assert request is not None
        await link.publish(request.reply or "", b"answer", headers={"Y": "1"})
        return request, await reply

    request, reply = run(nats_server.endpoint, scenario)
    assert request is not None
    assert (request.subject, request.body, request.status) == (unique, b"question", None)
    assert request.headers == {"Nats-Msg-Id": "a b", "X": "ü"}
    assert (reply.body, reply.headers) == (b"answer", {"Y": "1"})


def test_many_requests_under_way_keep_their_replies_apart(run: Runner, nats_server: NatsServer, unique: str) -> None:
    """Replies that come in the opposite order still go to their own requests."""

    async def scenario(link: Link) -> list[bytes]:
        subscription = await link.subscribe(unique)
        posted = [link.post(unique, b"%d" % number) for number in range(200)]
        requests = [await subscription.next(5.0) for _ in posted]
        for request in reversed(requests):
            assert request is not None
            await link.publish(request.reply or "", b"reply to " + request.body)
        return [(await one).body for one in posted]

    assert run(nats_server.endpoint, scenario) == [b"reply to %d" % number for number in range(200)]


def test_message_of_a_mebibyte_arrives_whole(run: Runner, nats_server: NatsServer, unique: str) -> None:
    """What comes in many pieces is put together again."""
    body = bytes(range(256)) * 4096

    async def scenario(link: Link) -> bytes:
        subscription = await link.subscribe(unique)
        await link.publish(unique, body)
        message = await subscription.next(5.0)
        assert message is not None
        return message.body

    assert run(nats_server.endpoint, scenario) == body


@pytest.mark.parametrize("count", [1, 1000])
def test_publish_before_close_arrives(run: Runner, nats_server: NatsServer, unique: str, count: int) -> None:
    """Closing a link waits for what was published, be it little or much."""

    async def listen(link: Link) -> int:
        subscription = await link.subscribe(unique)

        async def send(other: Link) -> None:
            for _ in range(count):
                await other.publish(unique, b"x" * 500)

        with meanwhile(lambda: run(nats_server.endpoint, send)):
            messages = [await subscription.next(5.0) for _ in range(count)]
        return sum(message is not None for message in messages)

    assert run(nats_server.endpoint, listen) == count


def test_request_many_ends_at_the_status(run: Runner, nats_server: NatsServer, unique: str) -> None:
    """A batch of replies ends with 204, and an empty one is a 404 alone."""
    name = unique.upper()

    async def scenario(link: Link) -> tuple[list[Message], list[Message]]:
        await create_stream(link, name)
        for number in range(5):
            await link.post(f"{name}.{number}", b"%d" % number)
        ask = f"$JS.API.DIRECT.GET.{name}"
        some = await link.request_many(ask, json.dumps({"multi_last": [f"{name}.>"]}).encode())
        none = await link.request_many(ask, json.dumps({"multi_last": ["nothing.here"]}).encode())
        return some, none

    some, none = run(nats_server.endpoint, scenario)
    assert [message.body for message in some[:-1]] == [b"0", b"1", b"2", b"3", b"4"]
    assert some[0].headers["Nats-Stream"] == name
    assert (some[-1].status, some[-1].description) == (204, "EOB")
    assert [message.status for message in none] == [404]


def test_nobody_listening_is_told_at_once(run: Runner, nats_server: NatsServer, unique: str) -> None:
    """The server's 503 ends a request, and a request for many, without waiting for the timeout."""

    async def scenario(link: Link) -> None:
        with pytest.raises(NoResponders, match=unique):
            await link.post(unique, timeout_s=30.0)
        with pytest.raises(NoResponders, match=unique):
            await link.request_many(unique, b"", timeout_s=30.0)

    run(nats_server.endpoint, scenario)


def test_silent_responder_is_unknown(run: Runner, nats_server: NatsServer, unique: str) -> None:
    """A request that is not answered in time may have happened."""

    async def scenario(link: Link) -> None:
        await link.subscribe(unique)
        with pytest.raises(Unknown, match=unique):
            await link.post(unique, timeout_s=0.05)
        assert (await link.post("$JS.API.INFO")).body

    run(nats_server.endpoint, scenario)


def test_next_returns_none_after_its_time(run: Runner, nats_server: NatsServer, unique: str) -> None:
    """Waiting for a message that does not come ends in time, and a closed subscription gets none."""

    async def scenario(link: Link) -> list[Message | None]:
        subscription = await link.subscribe(unique)
        start = time.monotonic()
        first = await subscription.next(0.1)
        assert 0.1 <= time.monotonic() - start < 2.0
        await subscription.close()
        await link.publish(unique, b"too late")
        return [first, await subscription.next(0.1)]

    assert run(nats_server.endpoint, scenario) == [None, None]


def test_subscription_is_in_force_when_it_returns(run: Runner, nats_server: NatsServer, unique: str) -> None:
    """What another client publishes right after `subscribe` arrives."""

    async def scenario(link: Link) -> None:
        for number in range(20):
            subscription = await link.subscribe(f"{unique}.{number}")
            publish_once(nats_server.endpoint, f"{unique}.{number}")
            assert await subscription.next(5.0) is not None

    run(nats_server.endpoint, scenario)


def test_too_large_message_is_refused_before_sending(run: Runner, nats_server: NatsServer, unique: str) -> None:
    """A message over the server's limit, headers included, is the user's mistake and costs no connection (H5)."""

    async def scenario(link: Link) -> None:
        body = b"x" * link.server.max_payload
        with pytest.raises(InvalidInput, match="larger than the server takes"):
            await link.post(unique, body, headers={"A": "b"})
        with pytest.raises(InvalidInput, match="larger than the server takes"):
            await link.publish(unique, body + b"x")
        assert (await link.post("$JS.API.INFO")).body

    run(nats_server.endpoint, scenario)


@pytest.mark.parametrize("subject", ["", "a b", "a\r\nPUB b 0", "a\x00b"])
def test_subject_that_could_break_the_protocol_is_refused(run: Runner, nats_server: NatsServer, subject: str) -> None:
    """No subject and no header smuggles a second operation onto the connection."""

    async def scenario(link: Link) -> None:
        with pytest.raises(InvalidInput):
            await link.post(subject)
        with pytest.raises(InvalidInput):
            await link.subscribe(subject)
        with pytest.raises(InvalidInput):
            await link.publish("a", headers={"A": "b\r\nC: d"})
        assert (await link.post("$JS.API.INFO")).body

    run(nats_server.endpoint, scenario)


def test_refused_subject_is_forbidden_at_once(run: Runner) -> None:
    """A permission that lacks is told with its subject, in its own case, not by a timeout (H6)."""

    async def scenario(link: Link) -> None:
        start = time.monotonic()
        with pytest.raises(Forbidden, match=r"publish to Not\.Mine(\n|$)"):
            await link.post("Not.Mine", timeout_s=30.0)
        with pytest.raises(Forbidden, match=r"subscribe to Not\.Mine(\n|$)"):
            await link.subscribe("Not.Mine")
        assert time.monotonic() - start < 5.0
        assert (await link.post("$JS.API.INFO")).body

    with NatsServer(config=LIMITED) as server:
        run(Endpoint(servers=(server.url,), user="limited", password=PASSWORD), scenario)


def test_restart_of_the_server_loses_the_wait_nothing(run: Runner, fresh_server: NatsServer) -> None:
    """A wait goes on over a restart of the server, and gets what is published after."""
    events: list[str] = []
    done = threading.Event()

    def restart() -> None:
        fresh_server.restart()
        publish_until(done, fresh_server.endpoint, "news")

    async def scenario(link: Link) -> Message | None:
        subscription = await link.subscribe("news")
        with meanwhile(restart):
            message = await subscription.next(20.0)
            done.set()
        return message

    assert run(fresh_server.endpoint, scenario, on_event=events.append) is not None
    assert f"connection to {fresh_server.url} lost" in events[0]
    assert events[-1] == f"connected to {fresh_server.url} again"


def test_request_under_way_at_a_crash_is_unknown(run: Runner, fresh_server: NatsServer) -> None:
    """When the server dies after a request was sent, the request fails at once and may have happened."""

    async def scenario(link: Link) -> None:
        await link.subscribe("slow")
        start = time.monotonic()
        request = link.post("slow", timeout_s=30.0)
        with meanwhile(fresh_server.kill), pytest.raises(Unknown, match="lost"):
            await request
        assert time.monotonic() - start < 10.0

    run(fresh_server.endpoint, scenario)


def test_requests_work_again_after_a_restart(run: Runner, fresh_server: NatsServer) -> None:
    """After a restart a request may fail once or twice, and then works without anybody's help."""

    async def scenario(link: Link) -> Message:
        fresh_server.restart()
        deadline = time.monotonic() + 20.0
        while True:
            try:
                return await link.post("$JS.API.INFO")
            except (Unknown, Unavailable):
                assert time.monotonic() < deadline
                await link.sleep(0.05)

    assert run(fresh_server.endpoint, scenario).body


def test_frozen_server_is_left_for_another(
    run: Runner, fresh_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that no longer answers, with much unsent to it, is given up for the next of the list (H20)."""
    monkeypatch.setattr(channel, "PING_AFTER_S", 0.5)
    monkeypatch.setattr(session, "SILENCE_S", 2)
    monkeypatch.setattr(steady, "CONNECT_TIMEOUT_S", 1.0)
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 1.0)
    done = threading.Event()

    async def scenario(link: Link) -> Any:
        subscription = await link.subscribe("news")
        fresh_server.freeze()
        for _ in range(40):
            await link.publish("elsewhere", b"x" * 500_000)
        with meanwhile(lambda: publish_until(done, other.endpoint, "news")):
            message = await subscription.next(25.0)
            done.set()
        return message, link.server.url

    with NatsServer(user=fresh_server.user, password=fresh_server.password) as other:
        endpoint = Endpoint(
            servers=(fresh_server.url, other.url), user=fresh_server.user, password=fresh_server.password
        )
        message, url = run(endpoint, scenario)
    assert message is not None
    assert url == other.url


def test_request_to_a_frozen_server_is_unknown(run: Runner, fresh_server: NatsServer) -> None:
    """A server that is stopped answers nothing: the request ends at its own time, and works when the server goes on."""

    async def scenario(link: Link) -> Message:
        fresh_server.freeze()
        with pytest.raises(Unknown):
            await link.post("$JS.API.INFO", timeout_s=0.3)
        fresh_server.thaw()
        return await link.post("$JS.API.INFO")

    assert run(fresh_server.endpoint, scenario).body


def test_what_the_server_says_of_itself(run: Runner, nats_server: NatsServer) -> None:
    """A link knows its server, by a URL without credentials."""

    async def scenario(link: Link) -> Any:
        return link.server

    user, password = nats_server.user, nats_server.password
    endpoint = Endpoint(servers=(nats_server.url.replace("//", f"//{user}:{password}@"),))
    info = run(endpoint, scenario)
    assert (info.url, info.name) == (nats_server.url, f"tq-test-{nats_server.port}")
    assert (info.jetstream, info.max_payload) == (True, 1024 * 1024)
