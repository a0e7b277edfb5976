"""A context: a named way to reach a broker."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tqcli.core.endpoint import Endpoint
from tqcli.core.names import check_name, quote
from tqcli.errors import InvalidInput
from tqcli.settings.urls import parse_servers

LOCAL = "local"
"""The broker that tq brings itself; no context may take its name."""

SECRETS = ("password", "token")
_FILES = ("creds", "nkey", "tls_ca", "tls_cert", "tls_key")
_HIDDEN = "***"


class Context(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the settings file says of one broker. `creds`, `nkey` and `tls_…` are absolute paths."""

    name: str
    servers: tuple[str, ...]
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
        return f"Context(name={self.name!r}, servers={self.servers!r})"


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """What a user gives to reach a broker, as typed; see `Context`."""

    user: str | None = None
    password: str | None = None
    token: str | None = None
    creds: str | None = None
    nkey: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None


def build_context(
    name: str, servers: list[str] | tuple[str, ...], login: Login | None = None, *, namespace: str = "tq"
) -> Context:
    """Return the checked context: URLs in full, credentials taken out of them, files by their absolute paths.

    Raises:
        InvalidInput: a name or URL is wrong, a file is missing, or the credentials don't go together.
    """
    if check_name(name, noun="context") == LOCAL:
        msg = "the name 'local' stands for tq's own broker"
        raise InvalidInput(msg, hint="choose another name for this context")
    return _build(name, servers, login or Login(), namespace=check_name(namespace, noun="namespace"))


def build_anonymous(server: str) -> Context:
    """Return the context of a bare `--server`: its name is its first URL.

    Raises:
        InvalidInput: the URL is wrong.
    """
    urls, _ = parse_servers([server])
    return _build(urls[0], [server], Login(), namespace="tq")


def to_endpoint(context: Context) -> Endpoint:
    """Return what a link needs of the context."""
    return Endpoint(**msgspec.structs.asdict(context))


def show_context(context: Context) -> dict[str, object]:
    """Return what may be shown of the context, in order; secrets are there, but hidden."""
    shown = {field: value for field, value in msgspec.structs.asdict(context).items() if value is not None}
    return shown | {field: _HIDDEN for field in SECRETS if field in shown}


def _build(name: str, servers: list[str] | tuple[str, ...], login: Login, *, namespace: str) -> Context:
    urls, found = parse_servers(servers)
    if empty := [field for field, value in msgspec.structs.asdict(login).items() if value == ""]:
        msg = f"the {empty[0].replace('_', '-')} is empty"
        raise InvalidInput(msg, hint="leave the option out, or give it a value")
    given = {field: value for field, value in msgspec.structs.asdict(login).items() if value is not None}
    in_url = {field: value for field, value in found._asdict().items() if field != "url" and value is not None}
    if in_url.keys() & given.keys():
        msg = "the URL and an option name different credentials"
        raise InvalidInput(msg, hint="give them once")
    given |= in_url
    _check_login(given)
    for field in _FILES:
        if field in given:
            given[field] = _find_file(given[field], field)
    return Context(name=name, servers=urls, namespace=namespace, **given)


def _check_login(given: dict[str, str]) -> None:
    ways = [way for way in ("user", "token", "creds", "nkey") if way in given]
    if len(ways) > 1:
        msg = f"{' and '.join(ways)} are different ways to log in"
        raise InvalidInput(msg, hint="a context has one of user, token, creds, nkey")
    if ("user" in given) != ("password" in given):
        missing, there = ("password", "user") if "user" in given else ("user", "password")
        msg = f"the {there} has no {missing}"
        raise InvalidInput(msg, hint="they go together, also as nats://USER:PASSWORD@host")
    if ("tls_cert" in given) != ("tls_key" in given):
        msg = "a client certificate needs both its certificate and its key"
        raise InvalidInput(msg, hint="give --tls-cert FILE and --tls-key FILE")


def _find_file(text: str, field: str) -> str:
    try:
        path = Path(text).expanduser().absolute()
        with path.open("rb"):
            return str(path)
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        msg = f"the {field.replace('_', '-')} file {quote(text)} can't be read: {why}"
        raise InvalidInput(msg, hint="check the path") from error
