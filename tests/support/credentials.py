"""Credentials and certificates made for a test."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any, NamedTuple

import nkeys  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from pathlib import Path

OPERATOR, ACCOUNT, USER = (
    nkeys.PREFIX_BYTE_OPERATOR,
    nkeys.PREFIX_BYTE_ACCOUNT,
    nkeys.PREFIX_BYTE_USER,
)


class Certificates(NamedTuple):
    """Paths of PEM files: a CA, and what it signed for the server and for a client."""

    ca: Path
    server_cert: Path
    server_key: Path
    client_cert: Path
    client_key: Path


def make_key(kind: int) -> tuple[Any, str, str]:
    """Return a new nkey pair, its public key and its seed."""
    seed = nkeys.encode_seed(secrets.token_bytes(32), kind)
    pair = nkeys.from_seed(seed)
    return pair, pair.public_key.decode(), seed.decode()


def make_jwt(issuer: Any, issuer_key: str, subject: str, name: str, claims: dict[str, Any]) -> str:
    """Return a NATS JWT of version 2 about `subject`, signed by `issuer`."""
    payload = {
        "jti": secrets.token_hex(8),
        "iat": int(time.time()),
        "iss": issuer_key,
        "sub": subject,
        "name": name,
        "nats": {**claims, "version": 2},
    }
    parts = [_encode(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, payload)]
    text = ".".join(parts)
    return f"{text}.{_encode(issuer.sign(text.encode()))}"


def make_creds(folder: Path) -> tuple[Path, str]:
    """Write a credentials file; return its path and the server's configuration that trusts it."""
    operator, operator_key, _ = make_key(OPERATOR)
    account, account_key, _ = make_key(ACCOUNT)
    _, user_key, user_seed = make_key(USER)
    _, system_key, _ = make_key(ACCOUNT)
    everything = {"subs": -1, "data": -1, "payload": -1}
    limits = {
        **everything, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1,
        "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    }  # fmt: skip
    operator_jwt = make_jwt(
        operator, operator_key, operator_key, "op", {"type": "operator", "system_account": system_key}
    )
    account_jwt = make_jwt(operator, operator_key, account_key, "acc", {"type": "account", "limits": limits})
    system_jwt = make_jwt(operator, operator_key, system_key, "SYS", {"type": "account", "limits": everything})
    user_jwt = make_jwt(account, account_key, user_key, "ann", {"type": "user", "pub": {}, "sub": {}, **everything})
    path = folder / "ann.creds"
    path.write_text(
        f"-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user_seed}\n------END USER NKEY SEED------\n"
    )
    config = f"""
operator: {operator_jwt}
system_account: {system_key}
resolver: MEMORY
resolver_preload: {{ {account_key}: {account_jwt}, {system_key}: {system_jwt} }}
"""
    return path, config


def make_certificates(folder: Path) -> Certificates:
    """Write a CA and what it signed, for 127.0.0.1."""
    paths = Certificates(*(folder / f"{name}.pem" for name in Certificates._fields))
    ca_key = folder / "ca_key.pem"
    _openssl("req", "-x509", "-keyout", ca_key, "-out", paths.ca, "-subj", "/CN=test-ca", "-days", "2")
    for cert, key in ((paths.server_cert, paths.server_key), (paths.client_cert, paths.client_key)):
        _openssl(
            "req", "-x509", "-keyout", key, "-out", cert, "-subj", "/CN=test", "-days", "2",
            "-CA", paths.ca, "-CAkey", ca_key, "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "subjectAltName=IP:127.0.0.1",
            "-addext", "extendedKeyUsage=serverAuth,clientAuth",
        )  # fmt: skip
    return paths


def _openssl(command: str, *arguments: str | Path) -> None:
    subprocess.run(
        ["openssl", command, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", *map(str, arguments)],
        check=True,
        capture_output=True,
    )


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
