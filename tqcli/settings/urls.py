"""Server URLs as users write them: `nats://host:4222`, `tls://host`, `host`, with credentials or without."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tqcli.core.names import quote
from tqcli.errors import InvalidInput

DEFAULT_PORT = 4222
_SCHEMES = ("nats", "tls")
_HOST = re.compile(r"[a-z0-9._-]{1,253}|[0-9a-f:.%]{2,64}", re.ASCII | re.IGNORECASE)
_HINT = "a server looks like nats://broker.example:4222, or tls://… where it must be TLS"


class ServerUrl(NamedTuple):
    """A server: `url` is scheme, host and port and safe to show; the rest is who we are to it."""

    url: str
    user: str | None = None
    password: str | None = None
    token: str | None = None


def parse_server_url(text: str) -> ServerUrl:
    """Return the parts of one URL.

    >>> parse_server_url("ann:secret@broker.example")
    ServerUrl(url='nats://broker.example:4222', user='ann', password='secret', token=None)

    Raises:
        InvalidInput: it is no URL of a NATS server. The message shows none of its credentials.
    """
    # urlsplit drops tabs and line ends without a word.
    if not text.isascii() or not text.isprintable() or " " in text:
        raise _refuse(text)
    try:
        parts = urlsplit(text if "://" in text else f"nats://{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _refuse(text) from error
    if parts.scheme not in _SCHEMES or not host or not _HOST.fullmatch(host) or port == 0:
        raise _refuse(text)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _refuse(text)
    url = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port or DEFAULT_PORT}"
    if not parts.username:
        return ServerUrl(url)
    user = unquote(parts.username)
    if parts.password is None:
        return ServerUrl(url, token=user)
    return ServerUrl(url, user=user, password=unquote(parts.password))


def parse_servers(texts: list[str] | tuple[str, ...]) -> tuple[tuple[str, ...], ServerUrl]:
    """Return the URLs without credentials, and the one server whose credentials stand for all.

    Each text may hold several URLs with commas between them.

    Raises:
        InvalidInput: there is none, one is wrong, or two name different credentials.
    """
    parsed = [parse_server_url(part.strip()) for text in texts for part in text.split(",") if part.strip()]
    if not parsed:
        msg = "no server is named"
        raise InvalidInput(msg, hint=_HINT)
    named = {server[1:]: server for server in parsed if server[1:] != (None, None, None)}
    if len(named) > 1:
        msg = "the server URLs name different credentials"
        raise InvalidInput(msg, hint="the servers of one context are one cluster, with one user")
    urls = tuple(dict.fromkeys(server.url for server in parsed))
    return urls, next(iter(named.values()), parsed[0])


def _refuse(text: str) -> InvalidInput:
    scheme, dots, rest = text.rpartition("://")
    shown = f"{scheme}{dots}{rest.rpartition('@')[2]}"
    return InvalidInput(f"{quote(shown)} is not a NATS server's URL", hint=_HINT)
