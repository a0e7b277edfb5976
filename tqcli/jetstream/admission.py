"""Which servers tq works with, and what a server's refusals mean. Shared by both links, so they agree."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, NamedTuple

from tqcli.errors import Forbidden, SettingsError, TqError, Unavailable, Unknown
from tqcli.jetstream.link import NO_RESPONDERS, Message, NoResponders, ServerInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tqcli.jetstream.wire import Info

MIN_VERSION = (2, 14)
"""Six-field schedules and atomic batches came with it."""

CONNECT_TIMEOUT_S = 5.0

_VERSION = re.compile(r"(\d+)\.(\d+)")
_ERRNO = re.compile(r"\[Errno (\d+)\]")
_VIOLATION = re.compile(r'Permissions Violation for (Publish|Subscription) to "(.*?)"', re.IGNORECASE)
_CREDENTIALS = ("authorization violation", "authentication", "user revoked", "account authentication expired")


class Unreachable(Unavailable):
    """The server can't be reached."""


class Gone(Unreachable):
    """Nobody keeps the server running any more, so it may never come back."""


class Violation(NamedTuple):
    """What the server did not let this user do."""

    publish: bool
    subject: str


def admit(info: Info, url: str) -> ServerInfo:
    """Return what tq keeps of a server's INFO.

    Raises:
        Unavailable: the server is too old, or has no JetStream.
    """
    match = _VERSION.match(info.version)
    if match is None or (int(match[1]), int(match[2])) < MIN_VERSION:
        needed = ".".join(map(str, MIN_VERSION))
        msg = f"{url} is nats-server {info.version}; tq needs {needed} or newer"
        raise Unavailable(msg, hint="upgrade the server: https://github.com/nats-io/nats-server/releases")
    if not info.jetstream and info.cluster is None:  # in a cluster, another of its servers may have it
        msg = f"JetStream is not enabled on {url}"
        raise Unavailable(msg, hint="start nats-server with -js, or put `jetstream: enabled` into its configuration")
    return ServerInfo(
        url=url,
        name=info.server_name,
        version=info.version,
        max_payload=info.max_payload,
        jetstream=info.jetstream,
        cluster=info.cluster,
        id=info.server_id,
        connected_at=time.monotonic(),
    )


class LoginRefused(Forbidden):
    """The broker refuses these credentials."""


def explain_refusal(text: str, url: str) -> TqError:
    """Return the error for the -ERR with which a server ended the handshake."""
    lowered = text.lower()
    violation = parse_violation(text)
    if violation is not None:
        return explain_violation(violation, url)
    if any(words in lowered for words in _CREDENTIALS):
        return LoginRefused(
            f"{url} refuses these credentials: {lowered}", hint="`tq context show` tells which are used"
        )
    if "tls" in lowered or "secure connection" in lowered:
        return SettingsError(f"{url} wants TLS: {lowered}", hint="use a tls:// URL")
    return Unavailable(f"{url} refused the connection: {lowered}")


def explain_violation(violation: Violation, url: str) -> Forbidden:
    """Return the error for a publication or subscription that the server refused (H6)."""
    verb = "publish to" if violation.publish else "subscribe to"
    msg = f"{url} does not let this user {verb} {violation.subject}"
    return Forbidden(msg, hint="ask the operator for this permission, or use a context with another user")


def parse_violation(text: str) -> Violation | None:
    """Return what a -ERR of a running connection is about, or None where it is something else."""
    match = _VIOLATION.search(text)
    return None if match is None else Violation(match[1].lower() == "publish", match[2])


def unreachable(url: str, reason: object) -> Unreachable:
    """Return the error for a server that does not answer."""
    text = str(reason)
    number = _ERRNO.search(text)  # asyncio has texts of its own for the kernel's errors
    if number is not None:
        text = os.strerror(int(number[1]))
    elif isinstance(reason, OSError):
        text = reason.strerror or text
    return Unreachable(
        f"can't reach {url}: {text[:1].lower()}{text[1:]}",
        hint="check that nats-server runs there and that the URL is right",
    )


def combine(failures: Sequence[TqError]) -> TqError:
    """Return the one error to show after every server failed: a server that said why beats those that are not there."""
    for failure in failures:
        if not isinstance(failure, Unreachable):
            return failure
    if len(failures) == 1:
        return failures[0]
    return Unreachable("; ".join(failure.message for failure in failures), hint=failures[0].hint)


def is_refused(message: Message) -> bool:
    """Return whether the server says that nobody listens."""
    return message.status == NO_RESPONDERS and not message.body


def nobody_listens(subject: str) -> NoResponders:
    """Return the error for a request that reached nobody."""
    return NoResponders(
        f"nobody listens on {subject}", hint="its stream has no leader just now, or is not there; try again"
    )


def unanswered(subject: str, why: str) -> Unknown:
    """Return the error for a request that was sent and got no reply."""
    return Unknown(f"no answer on {subject}: {why}", hint="it may have happened; repeating it is safe")
