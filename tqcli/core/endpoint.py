"""An endpoint: everything a link needs to reach one broker."""

from __future__ import annotations

import msgspec


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a broker is, who we are to it. `name` is the context's, or "local"; `creds`, `nkey`, `tls_…` are paths."""

    servers: tuple[str, ...]
    name: str = "local"
    namespace: str = "tq"
    user: str | None = None
    password: str | None = None
    token: str | None = None
    creds: str | None = None
    nkey: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None

    def __repr__(self) -> str:
        """Return it without its secrets: it may end up in a log or a traceback."""
        return f"Endpoint(name={self.name!r}, namespace={self.namespace!r}, servers={len(self.servers)})"
