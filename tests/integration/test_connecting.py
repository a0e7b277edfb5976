"""Connecting: every way to say who we are, and one clear error for each way to fail, the same over both links."""

from __future__ import annotations

import json
import secrets
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.credentials import USER, make_certificates, make_creds, make_key
from tests.support.links import run_connection, run_plain
from tests.support.listeners import listener
from tests.support.server import NatsServer, free_port
from tqcli.core.endpoint import Endpoint
from tqcli.errors import Forbidden, SettingsError, TqError, Unavailable
from tqcli.jetstream import connection, plain
from tqcli.jetstream.admission import CONNECT_TIMEOUT_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.credentials import Certificates
    from tests.support.links import Runner
    from tqcli.jetstream.link import Link


async def ask(link: Link) -> Any:
    """Return the server's answer to a request, which proves that everything works."""
    return json.loads((await link.post("$JS.API.INFO")).body)


def fail(run: Runner, endpoint: Endpoint) -> TqError:
    """Return the error with which connecting fails, within 5 seconds and with a hint."""
    start = time.monotonic()
    with pytest.raises(TqError) as caught:
        run(endpoint, ask)
    assert time.monotonic() - start < 5.5
    assert caught.value.hint
    return caught.value


def greet(**info: object) -> bytes:
    """Return the INFO of a server."""
    return b"INFO " + json.dumps({"version": "2.15.1", "jetstream": True, "max_payload": 1048576, **info}).encode()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return a CA and certificates that it signed."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def tls_config(certificates: Certificates, *, verify: bool = False) -> str:
    """Return the configuration of a server that speaks TLS, and with `verify` wants its clients' certificates."""
    return (
        f'tls {{ cert_file: "{certificates.server_cert}", key_file: "{certificates.server_key}"'
        f', ca_file: "{certificates.ca}", verify: {str(verify).lower()} }}'
    )


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the 5 seconds that connecting may take."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 0.5)
    monkeypatch.setitem(plain.connect_plain.__kwdefaults__ or {}, "timeout_s", 0.5)


def test_user_and_password(run: Runner, nats_server: NatsServer) -> None:
    """A user with the right password gets in, from the endpoint or from the URL."""
    assert "error" not in run(nats_server.endpoint, ask)
    with_user = nats_server.url.replace("//", f"//{nats_server.user}:{nats_server.password}@")
    assert "error" not in run(Endpoint(servers=(with_user,)), ask)


def test_wrong_password_is_forbidden(run: Runner, nats_server: NatsServer) -> None:
    """A wrong password, or none, is told as such, with the server's URL and without the password."""
    for password in ("wrong-one", None):
        error = fail(run, Endpoint(servers=(nats_server.url,), user=nats_server.user, password=password))
        assert isinstance(error, Forbidden)
        assert nats_server.url in error.message
        assert "wrong-one" not in error.message + str(error.hint)


def test_token(run: Runner) -> None:
    """The right token gets in, from the endpoint or from the URL; a wrong one does not."""
    secret = secrets.token_hex(8)
    with NatsServer(token=f"@{secret}") as server:
        assert "error" not in run(server.endpoint, ask)
        assert "error" not in run(Endpoint(servers=(server.url.replace("//", f"//%40{secret}@"),)), ask)
        assert isinstance(fail(run, Endpoint(servers=(server.url,), token=secret)), Forbidden)


def test_nkey(run: Runner, tmp_path: Path) -> None:
    """The seed of a known nkey gets in; another's does not."""
    _, public, seed = make_key(USER)
    known, other = tmp_path / "known.nk", tmp_path / "other.nk"
    known.write_text(seed + "\n")
    other.write_text(make_key(USER)[2])
    with NatsServer(config=f"authorization {{ users = [ {{ nkey: {public} }} ] }}") as server:
        assert "error" not in run(Endpoint(servers=(server.url,), nkey=str(known)), ask)
        assert isinstance(fail(run, Endpoint(servers=(server.url,), nkey=str(other))), Forbidden)


def test_creds(run: Runner, tmp_path: Path) -> None:
    """A credentials file gets in."""
    path, config = make_creds(tmp_path)
    with NatsServer(config=config) as server:
        assert "error" not in run(Endpoint(servers=(server.url,), creds=str(path)), ask)
        assert isinstance(fail(run, Endpoint(servers=(server.url,))), Forbidden)


@pytest.mark.parametrize("option", ["creds", "nkey"])
def test_bad_credentials_file_is_a_wrong_setting(
    run: Runner, nats_server: NatsServer, tmp_path: Path, option: str
) -> None:
    """A missing file, and one with something else in it, are told by name."""
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("hello\n")
    for path in (str(tmp_path / "missing"), str(nonsense)):
        error = fail(run, Endpoint(servers=(nats_server.url,), **{option: path}))
        assert isinstance(error, SettingsError)
        assert path in error.message


def test_missing_package_nkeys_is_told(
    run: Runner, nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the optional package, the hint is the command that installs it."""
    path = tmp_path / "user.nk"
    path.write_text(make_key(USER)[2])
    monkeypatch.setitem(sys.modules, "nkeys", None)
    error = fail(run, Endpoint(servers=(nats_server.url,), nkey=str(path)))
    assert isinstance(error, SettingsError)
    assert error.hint == "pip install nkeys"


@pytest.mark.parametrize("scheme", ["tls", "nats"])
def test_tls(run: Runner, certificates: Certificates, scheme: str) -> None:
    """A server that wants TLS gets it, whatever the URL's scheme, and is verified with the CA."""
    with NatsServer(config=tls_config(certificates)) as server:
        url = server.url.replace("nats:", f"{scheme}:")
        assert "error" not in run(Endpoint(servers=(url,), tls_ca=str(certificates.ca)), ask)
        error = fail(run, Endpoint(servers=(url,)))
        assert isinstance(error, SettingsError)
        assert f"the certificate of {url} is not trusted" in error.message


def test_large_messages_over_tls(run: Runner, certificates: Certificates) -> None:
    """TLS cuts messages into records, and they are put together again."""

    async def scenario(link: Link) -> list[int]:
        subscription = await link.subscribe("large")
        for _ in range(8):
            await link.publish("large", b"x" * 1_000_000)
        messages = [await subscription.next(10.0) for _ in range(8)]
        return [len(message.body) for message in messages if message is not None]

    with NatsServer(config=tls_config(certificates)) as server:
        endpoint = Endpoint(servers=(server.url,), tls_ca=str(certificates.ca))
        assert run(endpoint, scenario) == [1_000_000] * 8


def test_client_certificate(run: Runner, certificates: Certificates) -> None:
    """A server that wants its clients' certificates gets ours, and without one the error names TLS."""
    with NatsServer(config=tls_config(certificates, verify=True)) as server:
        endpoint = Endpoint(
            servers=(server.url,),
            tls_ca=str(certificates.ca),
            tls_cert=str(certificates.client_cert),
            tls_key=str(certificates.client_key),
        )
        assert "error" not in run(endpoint, ask)
        error = fail(run, Endpoint(servers=(server.url,), tls_ca=str(certificates.ca)))
        assert isinstance(error, SettingsError)
        assert "TLS" in error.message


def test_tls_is_never_left_out(run: Runner, nats_server: NatsServer, certificates: Certificates) -> None:
    """A server without TLS is refused where the URL or the CA asks for TLS: no credentials go out in clear."""
    user, password = nats_server.user, nats_server.password
    for url, tls_ca in ((nats_server.url.replace("nats:", "tls:"), None), (nats_server.url, str(certificates.ca))):
        error = fail(run, Endpoint(servers=(url,), user=user, password=password, tls_ca=tls_ca))
        assert isinstance(error, SettingsError)
        assert "does not speak TLS" in error.message


def test_bad_certificate_file_is_a_wrong_setting(run: Runner, certificates: Certificates, tmp_path: Path) -> None:
    """A missing CA file, and one that is none, are told by name."""
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("hello\n")
    with NatsServer(config=tls_config(certificates)) as server:
        for path in (str(tmp_path / "missing.pem"), str(nonsense)):
            error = fail(run, Endpoint(servers=(server.url,), tls_ca=path))
            assert isinstance(error, SettingsError)
            assert path in error.message


def test_old_server_is_told_its_version(run: Runner) -> None:
    """A server older than tq needs is refused before it gets credentials."""
    with listener(greet(version="2.9.1") + b"\r\n") as url:
        error = fail(run, Endpoint(servers=(url,)))
    assert isinstance(error, Unavailable)
    assert error.message == f"{url} is nats-server 2.9.1; tq needs 2.14 or newer"


def test_server_without_jetstream(run: Runner) -> None:
    """A server whose JetStream is off is refused, with the setting that turns it on."""
    with NatsServer(jetstream=False) as server:
        error = fail(run, server.endpoint)
    assert isinstance(error, Unavailable)
    assert "JetStream is not enabled" in error.message
    assert "jetstream: enabled" in str(error.hint)


@pytest.mark.usefixtures("impatient")
def test_silent_server(run: Runner) -> None:
    """A server that accepts and never speaks does not keep us."""
    with listener(b"") as url:
        error = fail(run, Endpoint(servers=(url,)))
    assert isinstance(error, Unavailable)
    assert error.message == f"can't reach {url}: it accepts connections but does not answer"


@pytest.mark.usefixtures("impatient")
def test_server_that_falls_silent_in_the_handshake(run: Runner) -> None:
    """A server that greets and then never speaks does not keep us either."""
    with listener(greet() + b"\r\n") as url:
        error = fail(run, Endpoint(servers=(url,)))
    assert isinstance(error, Unavailable)
    assert error.message == f"can't reach {url}: it accepts connections but does not answer"


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"INFO nonsense\r\n", b"\x00\xff\r\n", b"x" * 100_000]
)
@pytest.mark.parametrize("hang_up", [False, True])
def test_what_is_not_a_nats_server(run: Runner, greeting: bytes, *, hang_up: bool) -> None:
    """Another service behind the port is told as such."""
    with listener(greeting, hang_up=hang_up) as url:
        error = fail(run, Endpoint(servers=(url,)))
    assert isinstance(error, Unavailable)
    assert url in error.message


def test_closed_port(run: Runner) -> None:
    """Nobody there is told with the URL and the reason."""
    url = f"nats://127.0.0.1:{free_port()}"
    error = fail(run, Endpoint(servers=(url,)))
    assert isinstance(error, Unavailable)
    assert error.message == f"can't reach {url}: connection refused"


def test_unknown_host(run: Runner) -> None:
    """A name that no resolver knows is told."""
    error = fail(run, Endpoint(servers=("nats://no-such-host.invalid",)))
    assert isinstance(error, Unavailable)
    assert "can't reach nats://no-such-host.invalid:4222: " in error.message


def test_second_url_is_tried(run: Runner, nats_server: NatsServer) -> None:
    """The first URL being dead or silent does not matter as long as another works."""
    dead = f"nats://127.0.0.1:{free_port()}"
    with listener(b"") as silent:
        endpoint = Endpoint(
            servers=(dead, silent, nats_server.url), user=nats_server.user, password=nats_server.password
        )
        start = time.monotonic()
        assert "error" not in run(endpoint, ask)
        assert time.monotonic() - start < 5.0


def test_all_urls_dead_names_all(run: Runner) -> None:
    """Where no server can be reached, each is named; where one said why, that is the error."""
    urls = tuple(f"nats://127.0.0.1:{free_port()}" for _ in range(2))
    error = fail(run, Endpoint(servers=urls))
    assert isinstance(error, Unavailable)
    assert all(url in error.message for url in urls)
    with listener(greet(version="2.9.1") + b"\r\n") as old:
        assert "2.9.1" in fail(run, Endpoint(servers=(urls[0], old))).message


@pytest.mark.parametrize("url", ["http://localhost:80", "nats://", "nats://a:99999", "nats://u:secret@b c"])
def test_what_is_no_url(run: Runner, url: str) -> None:
    """A URL that tq can't use is a wrong setting, and is shown without its password."""
    error = fail(run, Endpoint(servers=(url,)))
    assert isinstance(error, SettingsError)
    assert "secret" not in error.message


def test_refused_inbox_is_told_when_connecting(run: Runner) -> None:
    """A user who may not subscribe to tq's inbox learns its subject at once instead of by timeouts."""
    password = secrets.token_hex(8)
    user = f'user: a, password: "{password}", permissions: {{ subscribe: ["x"] }}'
    config = f"authorization {{ users = [ {{ {user} }} ] }}"
    with NatsServer(config=config) as server:
        error = fail(run, Endpoint(servers=(server.url,), user="a", password=password))
    assert isinstance(error, Forbidden)
    assert "subscribe to _INBOX_tq.a." in error.message


def test_connecting_may_take_five_seconds() -> None:
    """The figure that users are told."""
    assert CONNECT_TIMEOUT_S == 5.0


def test_errors_are_the_same_over_both_links(nats_server: NatsServer) -> None:
    """Which link a command uses is not visible in its errors."""
    old = greet(version="2.9.1") + b"\r\n"
    with listener(old) as old_url:
        for endpoint in (
            Endpoint(servers=(old_url,)),
            Endpoint(servers=(nats_server.url,)),
            Endpoint(servers=(f"nats://127.0.0.1:{free_port()}",)),
            Endpoint(servers=(nats_server.url.replace("nats:", "tls:"),)),
        ):
            errors = [fail(run, endpoint) for run in (run_plain, run_connection)]
            assert {type(error) for error in errors} == {type(errors[0])}
            assert len({(error.message, error.hint) for error in errors}) == 1
