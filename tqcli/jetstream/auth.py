"""How a link says who it is. Files are read at every connect: credentials are renewed while agents run (H21)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tqcli.errors import SettingsError

if TYPE_CHECKING:
    from tqcli.core.endpoint import Endpoint
    from tqcli.jetstream.address import Address
    from tqcli.jetstream.wire import Info

_JWT = re.compile(r"-BEGIN NATS USER JWT-+\s+(\S+)\s+-+END")
_SEED = re.compile(r"-BEGIN USER NKEY SEED-+\s+(\S+)\s+-+END")
_NOT_IN_TOKEN = re.compile(r"[^A-Za-z0-9_-]")


def connect_options(endpoint: Endpoint, address: Address, info: Info, *, name: str) -> dict[str, object]:
    """Return the options of CONNECT: who we are, and that headers and 503 replies are understood.

    Raises:
        SettingsError: a credentials file is missing or wrong, or needs a package that is not installed.
    """
    options: dict[str, object] = {
        "verbose": False,
        "pedantic": False,
        "lang": "python",
        "version": "1",
        "protocol": 1,
        "echo": True,
        "headers": True,
        "no_responders": True,
        "name": name,
    }
    if endpoint.creds is not None:
        jwt, seed = _read_creds(endpoint.creds)
        return options | {"jwt": jwt, "sig": _sign(seed, info.nonce, endpoint.creds)[1]}
    if endpoint.nkey is not None:
        public, signature = _sign(_read(endpoint.nkey).strip(), info.nonce, endpoint.nkey)
        return options | {"nkey": public, "sig": signature}
    if endpoint.token is not None:
        return options | {"auth_token": endpoint.token}
    if endpoint.user is not None:
        return options | {"user": endpoint.user, "pass": endpoint.password or ""}
    if address.user is not None:
        if address.password is None:
            return options | {"auth_token": address.user}
        return options | {"user": address.user, "pass": address.password}
    return options


def make_inbox(endpoint: Endpoint, address: Address, random: bytes) -> str:
    """Return the subject under which this link gets its replies: `_INBOX_<namespace>.<user>.<random>`.

    Whoever may subscribe to `_INBOX.>` reads everybody's replies in most NATS set-ups (H42), so tq's are elsewhere, and
    an operator can give each user their own: `_INBOX_tq.ann.>`.
    """
    user = _NOT_IN_TOKEN.sub("_", endpoint.user or (address.password and address.user) or "") or "any"
    return f"_INBOX_{endpoint.namespace}.{user}.{random.hex()}"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not worth its import here
            return file.read()
    except (OSError, ValueError) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else "not text"
        msg = f"can't read {path}: {reason}"
        raise SettingsError(msg, hint="`tq context show` tells where this name comes from") from error


def _read_creds(path: str) -> tuple[str, str]:
    text = _read(path)
    jwt, seed = _JWT.search(text), _SEED.search(text)
    if jwt is None or seed is None:
        msg = f"{path} is not a credentials file"
        raise SettingsError(msg, hint="it holds a user JWT and an nkey seed, as `nsc generate creds` writes it")
    return jwt[1], seed[1]


def _sign(seed: str, nonce: str | None, path: str) -> tuple[str, str]:
    """Return the public key of `seed`, and its signature of `nonce` (empty where the server does not ask)."""
    from base64 import urlsafe_b64encode  # noqa: PLC0415 - only where nkeys are used

    nkeys = _import_nkeys()
    try:
        pair = nkeys.from_seed(seed.encode())
        public = pair.public_key.decode()
        signature = urlsafe_b64encode(pair.sign((nonce or "").encode())).rstrip(b"=").decode()
    except Exception as error:  # the package has no common base for its errors
        msg = f"{path} holds no valid nkey seed"
        raise SettingsError(msg, hint="a user's seed begins with SU") from error
    return public, signature if nonce else ""


def _import_nkeys() -> Any:
    try:
        import nkeys  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
    except ImportError as error:
        msg = "credentials files and nkeys need the package nkeys, which is not installed"
        raise SettingsError(msg, hint="pip install nkeys") from error
    return nkeys
