"""Running the same scenario over each of the two links."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tests.support.eventually import eventually
from tqcli.jetstream.connection import connect
from tqcli.jetstream.plain import connect_plain, drive

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from threading import Event

    from tqcli.core.endpoint import Endpoint
    from tqcli.jetstream.link import Link

T = TypeVar("T")


class Runner(Protocol):
    """Connects, runs `scenario` with the link, closes it, and returns what the scenario returned."""

    __name__: str

    def __call__(
        self,
        endpoint: Endpoint,
        scenario: Callable[[Any], Coroutine[Any, Any, T]],
        *,
        on_event: Callable[[str], None] | None = None,
    ) -> T:
        """Run it."""
        ...


def run_plain(
    endpoint: Endpoint,
    scenario: Callable[[Any], Coroutine[Any, Any, T]],
    *,
    on_event: Callable[[str], None] | None = None,
) -> T:
    """Run it over a `PlainLink`."""
    link: Link = connect_plain(endpoint)
    link.on_event = on_event  # type: ignore[attr-defined]
    try:
        return drive(scenario(link))
    finally:
        drive(link.close())


def run_connection(
    endpoint: Endpoint,
    scenario: Callable[[Any], Coroutine[Any, Any, T]],
    *,
    on_event: Callable[[str], None] | None = None,
) -> T:
    """Run it over a `Connection`."""

    async def main() -> T:
        link: Link = await connect(endpoint, name="test", on_event=on_event)
        try:
            return await scenario(link)
        finally:
            await link.close()

    return asyncio.run(main())


LINKS: list[Runner] = [run_plain, run_connection]


@contextmanager
def meanwhile(action: Callable[[], object]) -> Iterator[None]:
    """Run `action` in a thread while the block runs; its error becomes the block's."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(action)
        yield
        future.result()


def publish_once(endpoint: Endpoint, subject: str, body: bytes = b"") -> None:
    """Publish a message over a link of its own."""

    async def publish(link: Link) -> None:
        await link.publish(subject, body)

    run_plain(endpoint, publish)


def publish_until(done: Event, endpoint: Endpoint, subject: str) -> None:
    """Publish messages until somebody says that one has arrived."""

    def publish() -> bool:
        publish_once(endpoint, subject)
        return done.is_set()

    eventually(publish, 30.0)
