"""A link on which something else happens first: how tests put a rival's write between a read and a write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tqcli.jetstream.link import Link, Message


class Meddler:
    """Does what `link` does; each of `actions` is done once, right before the next request on such a subject."""

    def __init__(self, link: Link, subject: str, actions: Iterable[Callable[[], object]]) -> None:
        """`subject` is the beginning of the subjects that matter."""
        self._link = link
        self._subject = subject
        self._actions = list(actions)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    def post(self, subject: str, *args: Any, **kwargs: Any) -> Awaitable[Message]:
        """Send a request."""
        if subject.startswith(self._subject) and self._actions:
            self._actions.pop(0)()
        return self._link.post(subject, *args, **kwargs)
