"""A server's URL, read without urllib, whose import takes a tenth of what a short command may take."""

from __future__ import annotations

import re
from typing import NamedTuple

from tqcli.errors import SettingsError

DEFAULT_PORT = 4222

_URL = re.compile(
    r"(?:(?P<scheme>[a-z]+)://)?"
    r"(?:(?P<user>[^:@/]*)(?::(?P<password>[^@/]*))?@)?"
    r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^:@/\[\]\s]+)"
    r"(?::(?P<port>[0-9]{1,5}))?/?",
)
_CREDENTIALS = re.compile(r"((?:[a-z]+://)?).*@", re.DOTALL)
_ESCAPE = re.compile(rb"%([0-9a-fA-F]{2})")


class Address(NamedTuple):
    """Where a server is; `user` without `password` is a token."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    @property
    def url(self) -> str:
        """The URL without credentials: fit to be shown."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_address(url: str) -> Address:
    """Return the address that a URL names: nats:// or tls://, port 4222 unless it says another.

    >>> parse_address("nats://ann:s%40fe@[::1]:4223")
    Address(scheme='nats', host='::1', port=4223, user='ann', password='s@fe')

    Raises:
        SettingsError: it is no such URL.
    """
    match = _URL.fullmatch(url)
    if (
        match is None
        or match["scheme"] not in {None, "nats", "tls"}
        or int(match["port"] or 1) not in range(1, 65536)
        or not _may_be_asked_for(match["host"])
    ):
        shown = _CREDENTIALS.sub(r"\1…@", url)[:80]  # whatever else it is, it may hold a password
        msg = f"{shown!r} is not the URL of a server"
        raise SettingsError(msg, hint="write nats://HOST:PORT or tls://HOST:PORT")
    return Address(
        match["scheme"] or "nats",
        match["host"].strip("[]"),
        int(match["port"] or DEFAULT_PORT),
        _unescape(match["user"]),
        _unescape(match["password"]),
    )


def _may_be_asked_for(host: str) -> bool:
    """Return whether a resolver takes this name: else it raises what says nothing to a user.

    Source: RFC 1035 2.3.4 (labels of 1 to 63 bytes), as Python's codec applies it before it asks.
    """
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return host.isprintable()


def _unescape(text: str | None) -> str | None:
    if text is None or "%" not in text:
        return text
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), text.encode()).decode("utf-8", "replace")
