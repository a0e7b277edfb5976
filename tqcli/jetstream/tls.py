"""TLS for both links. Imported only where it is used: ssl takes as long to import as all the rest."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from tqcli.errors import SettingsError

if TYPE_CHECKING:
    from tqcli.core.endpoint import Endpoint

WANTS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def make_tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """Return the context that verifies the server and, where the endpoint has a certificate, shows it.

    Raises:
        SettingsError: a file can't be read or is no certificate or key.
    """
    for path in filter(None, (endpoint.tls_ca, endpoint.tls_cert, endpoint.tls_key)):
        _check_readable(path)
    try:
        context = ssl.create_default_context(cafile=endpoint.tls_ca)
    except (OSError, ValueError) as error:
        msg = f"{endpoint.tls_ca} holds no CA certificate"
        raise SettingsError(msg, hint="it must be a PEM file") from error
    if endpoint.tls_cert is not None:
        try:
            context.load_cert_chain(endpoint.tls_cert, endpoint.tls_key)
        except (OSError, ValueError) as error:
            msg = f"{endpoint.tls_cert} and {endpoint.tls_key} are no certificate and its key"
            raise SettingsError(msg, hint="both must be PEM files, the key without a passphrase") from error
    return context


def explain_tls(error: OSError, url: str) -> SettingsError:
    """Return the error for a TLS handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        msg = f"the certificate of {url} is not trusted: {error.verify_message}"
        return SettingsError(msg, hint="name the CA that signed it: tq context add NAME --server URL --tls-ca FILE")
    reason = getattr(error, "reason", None) or error.strerror or str(error)
    msg = f"no TLS with {url}: {str(reason).replace('_', ' ').lower()}"
    return SettingsError(
        msg, hint="check that its port speaks TLS, and --tls-ca, --tls-cert and --tls-key of `tq context add`"
    )


def _check_readable(path: str) -> None:
    try:
        Path(path).open("rb").close()
    except OSError as error:
        msg = f"can't read {path}: {(error.strerror or str(error)).lower()}"
        raise SettingsError(msg, hint="`tq context show` tells where this name comes from") from error
